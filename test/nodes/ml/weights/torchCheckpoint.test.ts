import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../nodes/errors.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const folder = new URL('../../../golden/checkpoint-formats/', import.meta.url).pathname;
const good = ['torch', 'safetensors'].flatMap((kind) =>
  readdirSync(folder + kind)
    .filter((name) => /\.(pt|safetensors)$/.test(name))
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(`${folder}${kind}/${name}`)) })),
);

/** Opens and reads everything; returns the error if it is one that users may see, and throws any other. */
async function readAll(name: string, bytes: Uint8Array): Promise<UserError | undefined> {
  const files = memoryFiles({ [name]: bytes });
  try {
    const checkpoint = await openCheckpoint(files, name);
    for (const tensor of checkpoint.names()) await checkpoint.read(tensor);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

describe('damaged files', () => {
  it('are read or refused with a UserError, whichever bytes are changed', async () => {
    const damage = fc.record({
      file: fc.constantFrom(...good),
      changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, changes }) => {
        const bytes = file.bytes.slice();
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        await readAll(file.name, bytes);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  it('are refused wherever they are cut off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...good),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (file, part) => {
          const error = await readAll(file.name, file.bytes.slice(0, Math.floor(part * file.bytes.length)));
          expect(error?.code).toBe('BAD_CHECKPOINT');
        },
      ),
      { seed: 6, numRuns: 1000 },
    );
  });
});

it('reads only the range of a tensor, not the whole file', async () => {
  const { bytes } = good.find(({ name }) => name === 'zip_nested.pt') ?? { bytes: new Uint8Array() };
  const files = memoryFiles({ 'a.pt': bytes });
  const checkpoint = await openCheckpoint(files, 'a.pt');
  const before = files.bytesRead();
  await checkpoint.read('state_dict/a.bias');
  expect(files.bytesRead() - before).toBe(30 + 16);
});
