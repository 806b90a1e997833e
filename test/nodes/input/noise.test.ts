import { beforeAll, describe, expect, it } from 'vitest';
import { noise } from '../../../nodes/input/noise.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import type { Noise } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { plainNoise, stripeGenerator } from '../../support/stripeGenerator.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

// The numbers of each program are compared with it by the golden family k-samplers.

const params = { ...plainNoise, seed: 5, count: 3, width: 8, height: 4 };
type Params = Parameters<typeof noise.run>[1];

async function draw(
  changes: Partial<Params> = {},
): Promise<{ values: Float32Array; made: Noise; remarks: readonly string[] }> {
  const { context, remarks } = nodeContext();
  const { noise: made } = await noise.run({ generator: stripeGenerator() }, { ...params, ...changes }, context);
  const values = made.latents.dataSync() as Float32Array;
  made.latents.dispose();
  return { values, made, remarks };
}
const size = 4 * 8 * 3;
const rowOf = (values: Float32Array, row: number) => values.slice(row * size, (row + 1) * size);

describe('Noise', () => {
  it('of diffusers is that of each seed, and says nothing of streams', async () => {
    const expected = latentNoise([5, 6, 7], [4, 8, 3]);
    const { values, made } = await draw();
    expect(values).toEqual(expected.dataSync());
    expect(made.seeds).toEqual([5, 6, 7]);
    expect(made.streams).toBeUndefined();
    expected.dispose();
  });

  it('of A1111 on a CPU is the same, and differs on a GPU', async () => {
    const { values } = await draw();
    expect((await draw({ noiseFrom: 'a1111-cpu' })).values).toEqual(values);
    expect((await draw({ noiseFrom: 'a1111-gpu' })).values).not.toEqual(values);
  });

  it('of ComfyUI begins with that of the seed, and goes on with one seed for all', async () => {
    const { values, made } = await draw({ noiseFrom: 'comfyui' });
    expect(rowOf(values, 0)).toEqual(rowOf((await draw()).values, 0));
    expect(rowOf(values, 1)).not.toEqual(rowOf((await draw()).values, 1));
    expect(made.seeds).toEqual([5, 5, 5]);
  });

  it.each(['diffusers', 'comfyui', 'a1111-gpu'] as const)(
    '%s: some images of a batch are those images',
    async (noiseFrom) => {
      const { values } = await draw({ noiseFrom });
      const some = await draw({ noiseFrom, images: '2, 0' });
      expect(some.made.seeds).toHaveLength(2);
      for (const [row, index] of [2, 0].entries()) expect(rowOf(some.values, row)).toEqual(rowOf(values, index));
    },
  );

  it.each(['3', '0,,1', '-1', 'a', '0.5'])('refuses the images "%s" of three', async (images) => {
    await expect(draw({ images })).rejects.toThrow(
      /The batch has 3 images, and ".*" is none of them: write all, or numbers from 0 to 2/,
    );
  });

  it('is varied by as much as is asked, to another seed and back', async () => {
    const { values } = await draw({ count: 1 });
    const other = (await draw({ count: 1, seed: 9 })).values;
    const apart = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
    const half = (await draw({ count: 1, variationSeed: 9, variationStrength: 0.5 })).values;
    expect(apart((await draw({ count: 1, variationSeed: 9, variationStrength: 1 })).values, other)).toBeLessThan(1e-4);
    expect(apart(half, values)).toBeGreaterThan(1);
    expect(apart(half, other)).toBeGreaterThan(1);
    expect(apart((await draw({ count: 1, variationSeed: 5, variationStrength: 0.5 })).values, values)).toBeLessThan(
      0.02,
    );
    const { made } = await draw({ variationSeed: 9, variationStrength: 0.5 });
    expect(made.seeds).toEqual([5, 5, 5]); // as in A1111
  });

  it('remarks on ENSD where no program has it', async () => {
    expect((await draw({ ensd: 31337 })).remarks).toEqual([
      'ENSD 31337 has no effect with noise from diffusers: A1111 alone has it.',
    ]);
    expect((await draw({ ensd: 31337, noiseFrom: 'a1111-cpu' })).remarks).toEqual([]);
  });
});
