import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sample } from '../../../nodes/generate/sample.ts';
import { noise as noiseNode } from '../../../nodes/input/noise.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { dispose, memory, type Tensor4D, tensor4d, tidy, transpose } from '../../../nodes/ml/tf.ts';
import { openSafetensors } from '../../../nodes/ml/weights/safetensors.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import type { Generator, Images } from '../../../nodes/ports.ts';
import { colourfulness } from '../../../nodes/reward/colourfulness.ts';
import { score } from '../../../nodes/reward/score.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles as files, goldenFolder } from '../../support/golden.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { plainNoise } from '../../support/stripeGenerator.ts';

const folder = goldenFolder('tiny-sd-turbo');
const params = {
  ...{
    scheduler: 'model',
    schedule: 'model',
    timesteps: '',
    steps: 1,
    guidanceScale: -1,
    eta: 0,
    negativePrompt: '',
    batch: 4,
  },
  ...{ originalWeight: 5, expandedWeight: 5 },
} as const;
const prompt = 'a red dog and a green cat';

describe('nodes on a model with random weights', async () => {
  let generator: Generator;
  let before = 0;
  beforeAll(async () => {
    await openTestDevice();
    before = memory().numTensors;
    generator = await loadGenerator(files, folder);
    const warmUp = await noiseNode.run(
      { generator },
      { ...plainNoise, seed: 0, count: 1, width: 64, height: 64 },
      nodeContext().context,
    );
    const { images } = await sample.run(
      { generator, noise: warmUp.noise, prompt, expandedPrompt: undefined, conditions: [] },
      params,
      nodeContext().context,
    );
    dispose([warmUp.noise.latents, images.pixels]); // the prompt's features are now remembered
  });
  afterAll(() => {
    generator.dispose();
    expect(memory().numTensors).toBe(before);
  });
  guardLeaks();

  it.each([1, 4])('draws the image of the reference from the same latents in %d steps', async (steps) => {
    const golden = await openSafetensors(files, `${folder}/expected.safetensors`);
    const read = async (name: string, shape: [number, number, number, number]): Promise<Tensor4D> => {
      const values = Float32Array.from((await golden.read(name)) as Float32Array);
      return tidy(() => transpose(tensor4d(values, shape), [0, 2, 3, 1]));
    };
    const latents = await read('in.pipeline.latents', [1, 4, 8, 8]);
    const expected = await read(`out.pipeline.image_${steps}_step${steps > 1 ? 's' : ''}`, [1, 3, 64, 64]);
    const inputs = { generator, noise: { latents, seeds: [0] }, prompt, expandedPrompt: undefined, conditions: [] };
    const { images } = await sample.run(inputs, { ...params, steps }, nodeContext().context);
    const [got, wanted] = [await images.pixels.data(), Array.from(await expected.data())];
    const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? Number.NaN))));
    expect(worst).toBeLessThan(1e-4);
    dispose([latents, expected, images.pixels]);
  });

  it('gives each seed the same image in any batch, and best of N picks from those very images', async () => {
    const { context } = nodeContext();
    const { noise } = await noiseNode.run(
      { generator },
      { ...plainNoise, seed: 3, count: 5, width: 64, height: 64 },
      context,
    );
    const draw = async (batch: number): Promise<Images> =>
      (
        await sample.run(
          { generator, noise, prompt, expandedPrompt: undefined, conditions: [] },
          { ...params, batch },
          context,
        )
      ).images;
    const [together, twoByTwo] = [await draw(5), await draw(2)];
    const [a, b] = [await together.pixels.data(), await twoByTwo.pixels.data()];
    expect(a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) < 1e-5)).toBe(true);

    const { reward } = await colourfulness.run({}, {}, context);
    const { scores } = await score.run({ images: together, rewards: [reward], prompt: undefined }, {}, context);
    const search = { ...params, seed: 3, candidates: 5, keep: 2, width: 64, height: 64, batch: 2 };
    const best = await bestOfN.run(
      { generator, prompt, rewards: [reward], watch: [], conditions: [] },
      search,
      context,
    );
    const ranking = scores.values
      .map(([value], i) => ({ value: value ?? Number.NaN, seed: 3 + i }))
      .sort((x, y) => y.value - x.value);
    expect(best.noise.seeds).toEqual(ranking.slice(0, 2).map(({ seed }) => seed));
    for (const [i, row] of best.scores.values.entries()) expect(row[0]).toBeCloseTo(ranking[i]?.value ?? Number.NaN, 2);
    dispose([noise.latents, together.pixels, twoByTwo.pixels, best.images.pixels, best.noise.latents]);
  });
});
