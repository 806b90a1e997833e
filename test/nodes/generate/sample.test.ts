import { beforeAll, describe, expect, it } from 'vitest';
import { sample } from '../../../nodes/generate/sample.ts';
import { sampleSettings } from '../../../nodes/generate/shared/sampleParams.ts';
import { noise as noiseNode } from '../../../nodes/input/noise.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, ones, type Tensor4D } from '../../../nodes/ml/tf.ts';
import type { Condition, Noise } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { identified } from '../../support/identified.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { plainNoise, stripeGenerator } from '../../support/stripeGenerator.ts';

const params = {
  ...{
    scheduler: 'model',
    schedule: 'model',
    timesteps: '',
    steps: 0,
    guidanceScale: -1,
    eta: 0,
    negativePrompt: '',
    batch: 2,
  },
  ...{ originalWeight: 5, expandedWeight: 5 },
} as const;
const noiseOf = (...seeds: number[]): Noise => ({ seeds, latents: latentNoise(seeds, [4, 8, 3]) });

describe('sample', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('gives one image a seed, whatever the batch', async () => {
    const generator = stripeGenerator();
    const noise = noiseOf(5, 6, 7);
    const { context, progress } = nodeContext();
    const inputs = { generator, noise, prompt: 'a red circle', expandedPrompt: undefined, conditions: [] };
    const { images } = await sample.run(inputs, params, context);
    const whole = await sample.run(inputs, { ...params, batch: 8 }, context);
    expect(generator.batches).toEqual([2, 1, 3]);
    expect(images.labels).toEqual(identified([5, 6, 7].map((seed) => ({ seed, prompt: 'a red circle' }))));
    const expected = (await noise.latents.data()).map((x) => 1 / (1 + Math.exp(-x * 1.25 ** 2)));
    for (const { pixels } of [images, whole.images]) {
      const values = await pixels.data();
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
      });
    }
    const fractions = progress.map(({ fraction }) => fraction);
    expect(fractions.slice(0, 5)).toEqual([0, 1 / 3, 2 / 3, 2.5 / 3, 1]);
    expect(progress[1]?.text).toBe('step 1 of 2, images 1 to 2 of 3');
    dispose([images.pixels, whole.images.pixels, noise.latents]);
  });

  it('remarks on words that the model does not know, and draws nevertheless', async () => {
    const generator = { ...stripeGenerator(), words: ['a', 'red', 'circle'] };
    const noise = noiseOf(5);
    const { context, remarks } = nodeContext();
    const inputs = { generator, noise, expandedPrompt: undefined, conditions: [] };
    for (const prompt of ['A red circle!', 'a dog, a red Dog on Mars']) {
      const { images } = await sample.run({ ...inputs, prompt }, params, context);
      dispose(images.pixels);
    }
    expect(remarks).toEqual([
      `"${generator.name}" knows no "dog", "on", "mars", so the image may show anything; it knows these words: a, red, circle.`,
    ]);
    dispose(noise.latents);
  });

  it('stops within one step and frees everything', async () => {
    const stop = new AbortController();
    const noise = noiseOf(5, 6, 7);
    const { context, progress } = nodeContext({ signal: stop.signal, onProgress: (f) => f > 0.8 && stop.abort() });
    const inputs = { generator: stripeGenerator(), noise, prompt: '', expandedPrompt: undefined, conditions: [] };
    await expect(sample.run(inputs, params, context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(progress).toHaveLength(4);
    dispose(noise.latents);
  });

  it('refuses control images that are neither one nor as many as the noise', async () => {
    const noise = noiseOf(1, 2, 3);
    const image = ones([2, 4, 8, 3]) as Tensor4D;
    const inputs = {
      generator: stripeGenerator(),
      noise,
      prompt: '',
      expandedPrompt: undefined,
      conditions: [{ image } as Condition],
    };
    await expect(sample.run(inputs, params, nodeContext().context) as Promise<unknown>).rejects.toMatchObject({
      code: 'ROWS_DIFFER',
    });
    dispose([noise.latents, image]);
  });

  it("takes the model's own settings where the params leave them open", () => {
    const generator = stripeGenerator();
    expect(sampleSettings(generator, params)).toEqual({ scheduler: 'euler', steps: 2, guidanceScale: 1, eta: 0 });
    expect(sampleSettings(generator, { ...params, schedule: 'karras' })).toMatchObject({ schedule: 'karras' });
    expect(sampleSettings(generator, { ...params, scheduler: 'ddim', steps: 9, guidanceScale: 0, eta: 0.5 })).toEqual({
      scheduler: 'ddim',
      steps: 9,
      guidanceScale: 0,
      eta: 0.5,
    });
  });

  it('draws noise in the size of the model or the one asked for', async () => {
    const { context } = nodeContext();
    const own = await noiseNode.run(
      { generator: stripeGenerator() },
      { ...plainNoise, seed: 3, count: 2, width: 0, height: 0 },
      context,
    );
    const wide = await noiseNode.run(
      { generator: stripeGenerator() },
      { ...plainNoise, seed: 4, count: 1, width: 16, height: 0 },
      context,
    );
    expect(own.noise.latents.shape).toEqual([2, 4, 8, 3]);
    expect(own.noise.seeds).toEqual([3, 4]);
    expect(wide.noise.latents.shape).toEqual([1, 4, 16, 3]);
    dispose([own.noise.latents, wide.noise.latents]);
  });
});
