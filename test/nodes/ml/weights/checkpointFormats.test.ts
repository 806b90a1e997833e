import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFiles } from '../../../../electron/files/files.ts';
import { anywhere } from '../../../../electron/files/paths.ts';
import { UserError } from '../../../../nodes/errors.ts';
import { differenceFrom, type ExpectedFile } from '../../../../nodes/ml/verify/checkpointFormats.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';

const folder = new URL('../../../golden/checkpoint-formats/', import.meta.url).pathname;
const files = openFiles({
  builtinFolder: folder,
  modelsFolder: folder,
  hubCache: folder,
  workingFolder: folder,
  mayRead: anywhere,
});
const expected = Object.entries(
  JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, ExpectedFile>,
);
const canary = join(tmpdir(), 'golden-pickle-was-executed');

describe('good files give their values', () => {
  it.each(expected.filter(([, file]) => file.expect === 'values'))('%s', async (name, file) => {
    const checkpoint = await openCheckpoint(files, join(folder, name));
    expect(await differenceFrom(checkpoint, file)).toBeUndefined();
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('bad files are refused when opened, in a readable sentence, at once and with little memory', () => {
  it.each(expected.filter(([, file]) => file.expect === 'refuse'))('%s', async (name) => {
    const memory = process.memoryUsage();
    const start = performance.now();
    const error = await openCheckpoint(files, join(folder, name)).catch((thrown: unknown) => thrown);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(process.memoryUsage().arrayBuffers - memory.arrayBuffers).toBeLessThan(1 << 20);
    expect(process.memoryUsage().heapUsed - memory.heapUsed).toBeLessThan(1 << 25);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: 'BAD_CHECKPOINT' });
    expect((error as Error).message).toContain(name);
    expect((error as Error).message.length).toBeLessThan(400);
    expect(existsSync(canary)).toBe(false);
  });
});
