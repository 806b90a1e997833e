import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPngText } from '../../../nodes/ml/image/pngText.ts';
import { judgeImage } from '../../../nodes/ml/world/judgeImage.ts';
import { runCli } from '../../support/runCli.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-world-'));
});
afterAll(() => rm(cwd, { recursive: true }));
const sample = (...args: string[]) => runCli(['world', 'sample', ...args], { cwd });
const linesOf = async (folder: string) =>
  (await readFile(join(cwd, folder, 'labels.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('noiseloom world sample', () => {
  it('writes images whose files agree with their labels, the same from the same seed', async () => {
    const { code, stdout } = await sample('--count', '12', '--seed', '7', '--out', 'first');
    expect(code, stdout).toBe(0);
    expect(stdout.trim()).toBe(join(cwd, 'first'));
    const names = await readdir(join(cwd, 'first'));
    expect(names).toHaveLength(12 * 4 + 1);
    const lines = await linesOf('first');
    expect(lines.map(({ task }) => task).slice(0, 7)).toEqual([
      'single',
      'two',
      'counting',
      'colours',
      'position',
      'attribution',
      'single',
    ]);
    for (const { file, masks, depth, caption, seed, objects } of lines) {
      const read = (name: string) => readFile(join(cwd, 'first', name));
      const image = await read(file);
      expect(Object.fromEntries(readPngText(image))).toEqual({ Prompt: caption, Seed: String(seed) });
      const pixels = Float32Array.from(decode(image).data, (value) => value / 255);
      expect(judgeImage(pixels, caption), caption).toMatchObject({ correct: true });
      expect([...new Set(decode(await read(masks)).data)].length).toBe(objects.length + 1);
      expect(Math.max(...decode(await read(depth)).data)).toBe(
        Math.round(255 * Math.max(...objects.map(({ nearness }: { nearness: number }) => nearness))),
      );
    }
    // Image i comes from seed + i alone.
    await sample('--count', '2', '--seed', '9', '--task', 'counting', '--out', 'second', '--json');
    const [again] = await linesOf('second');
    expect(again.objects).toEqual(lines[2].objects);
    expect(again.caption).toBe(lines[2].caption);
  }, 120_000);

  it('refuses bad numbers, tasks and folders that hold images already', async () => {
    expect((await sample('--count', '0')).code).toBe(2);
    const task = await sample('--task', 'colour');
    expect([task.code, task.stderr]).toEqual([2, expect.stringContaining('colours')]);
    const full = await sample('--out', 'first');
    expect([full.code, full.stderr]).toEqual([2, expect.stringContaining('holds images')]);
  });
});
