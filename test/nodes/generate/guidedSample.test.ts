import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canny } from '../../../nodes/consistency/canny.ts';
import { hed } from '../../../nodes/consistency/hed.ts';
import { guidedSample } from '../../../nodes/generate/guidedSample.ts';
import { sample } from '../../../nodes/generate/sample.ts';
import { noise as noiseNode } from '../../../nodes/input/noise.ts';
import { hedShapes } from '../../../nodes/ml/models/hed.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { drawScene } from '../../../nodes/ml/world/drawScene.ts';
import type { Consistency, Generator, Images } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder, repository } from '../../support/golden.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { randomFile } from '../../support/randomWeights.ts';
import { plainNoise } from '../../support/stripeGenerator.ts';
import { type TruthImage, truthImages } from '../../support/truthImages.ts';

const base = {
  scheduler: 'model',
  schedule: 'model',
  timesteps: '',
  steps: 4,
  guidanceScale: 1,
  eta: 0,
  negativePrompt: '',
  batch: 4,
} as const;
const weights = { originalWeight: 5, expandedWeight: 5 };
const guidance = { consistencyScale: 0.3, maxTimestep: 1000 };

/** Mean loss of images; frees them. */
async function lossOf({ images }: { images: Images }, consistency: Consistency, reference: Images): Promise<number> {
  const loss = tf.tidy(() => tf.mean(consistency.loss(images.pixels, reference.pixels)));
  const [value] = await loss.data();
  tf.dispose([loss, images.pixels]);
  return value!;
}

describe('guided sample', () => {
  beforeAll(async () => void (await openTestDevice()));

  describe('on a model with random weights', () => {
    let generator: Generator;
    let consistency: Consistency;
    const prompt = 'a red dog';
    beforeAll(async () => {
      generator = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'));
      const files = memoryFiles({ 'hed.safetensors': writeSafetensors(randomFile(hedShapes([4, 4, 4, 4, 4]))) });
      const { context } = nodeContext({ files });
      consistency = (await hed.run({}, { model: 'hed.safetensors', given: 'image' }, context)).consistency;
      const noise = tf.zeros([1, 4, 4, 4]) as tf.Tensor4D;
      const settings = { scheduler: 'ddim', steps: base.steps, guidanceScale: base.guidanceScale, eta: base.eta };
      const wanted = { noise: { latents: noise, seeds: [0] }, negativePrompt: '', settings, conditions: [] };
      const steps = generator.denoise({ ...wanted, prompts: [prompt] });
      let step = steps.next();
      while (!step.done) step = steps.next(); // the prompt's features are now remembered
      tf.dispose([noise, step.value]);
    });
    afterAll(() => {
      consistency.dispose();
      generator.dispose();
    });
    guardLeaks();

    it.each(['ddim', 'euler', 'dpm++2m'] as const)('lowers the loss with %s', async (scheduler) => {
      const { context } = nodeContext();
      const { noise } = await noiseNode.run(
        { generator },
        { ...plainNoise, seed: 5, count: 2, width: 32, height: 32 },
        context,
      );
      const reference: Images = { pixels: tf.randomUniform([1, 32, 32, 3], 0, 1, 'float32', 3), labels: [{}] };
      const inputs = { generator, noise, prompt, conditions: [] };
      const params = { ...base, scheduler };
      const plainly = await sample.run({ ...inputs, expandedPrompt: undefined }, { ...params, ...weights }, context);
      const guided = { ...inputs, consistency, reference };
      const none = await guidedSample.run(guided, { ...params, ...guidance, consistencyScale: 0 }, context);
      const little = await guidedSample.run(guided, { ...params, ...guidance, consistencyScale: 0.1 }, context);
      const before = await lossOf(plainly, consistency, reference);
      expect(await lossOf(none, consistency, reference)).toBeCloseTo(before, 6);
      expect(await lossOf(little, consistency, reference)).toBeLessThan(before);
      tf.dispose([noise.latents, reference.pixels]);
    });

    it('gives each image the same, whatever the batch', async () => {
      const { context } = nodeContext();
      const { noise } = await noiseNode.run(
        { generator },
        { ...plainNoise, seed: 5, count: 3, width: 32, height: 32 },
        context,
      );
      const reference: Images = { pixels: tf.randomUniform([3, 32, 32, 3], 0, 1, 'float32', 3), labels: [{}, {}, {}] };
      const inputs = { generator, noise, prompt, conditions: [], consistency, reference };
      const params = { ...base, scheduler: 'ddim', ...guidance } as const;
      const [together, apart] = [
        await guidedSample.run(inputs, params, context),
        await guidedSample.run(inputs, { ...params, batch: 2 }, context),
      ];
      const [a, b] = [await together.images.pixels.data(), await apart.images.pixels.data()];
      expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(2e-3);
      tf.dispose([noise.latents, reference.pixels, together.images.pixels, apart.images.pixels]);
    });

    it('refuses what has no gradient', async () => {
      const blind = { ...generator, name: 'blind', differentiable: false };
      const noise = { latents: tf.zeros([1, 4, 4, 4]) as tf.Tensor4D, seeds: [0] };
      const reference: Images = { pixels: tf.zeros([1, 32, 32, 3]), labels: [{}] };
      const inputs = { generator: blind, noise, prompt, conditions: [], consistency, reference };
      const run = guidedSample.run(inputs, { ...base, ...guidance }, nodeContext().context) as Promise<unknown>;
      await expect(run).rejects.toMatchObject({ code: 'NOT_DIFFERENTIABLE', at: { port: 'generator' } });
      tf.dispose([noise.latents, reference.pixels]);
    });
  });

  it('brings edges of the built-in world nearer to a condition image in the last steps', async () => {
    const { context } = nodeContext();
    const generator = await loadGenerator(diskFiles, `${repository}/nodes/model/builtin/world`);
    const { consistency } = await canny.run({}, { low: 0.1, high: 0.2, given: 'image' }, context);
    const [{ scene }] = truthImages(1, 3) as [TruthImage];
    const reference: Images = { pixels: tf.tensor4d(drawScene(scene), [1, 64, 64, 3]), labels: [{}] };
    const { noise } = await noiseNode.run(
      { generator },
      { ...plainNoise, seed: 5, count: 2, width: 64, height: 64 },
      context,
    );
    const inputs = { generator, noise, prompt: scene.caption, conditions: [] };
    const params = { ...base, steps: 10 };
    const plainly = await sample.run({ ...inputs, expandedPrompt: undefined }, { ...params, ...weights }, context);
    const guided = await guidedSample.run(
      { ...inputs, consistency, reference },
      { ...params, consistencyScale: 0.3, maxTimestep: 300 },
      context,
    );
    const before = await lossOf(plainly, consistency, reference);
    const after = await lossOf(guided, consistency, reference);
    expect(after).toBeLessThan(0.8 * before);
    tf.dispose([reference.pixels, noise.latents]);
    generator.dispose();
  });
});
