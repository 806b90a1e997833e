import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../../nodes/ml/diffusion/createScheduler.ts';
import { describeModel } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { loadDescribed } from '../../../../../nodes/ml/models/load/modelDescription.ts';
import type { Overrides } from '../../../../../nodes/ml/models/load/overrides.ts';
import { promptIds } from '../../../../../nodes/ml/models/promptFeatures.ts';
import { concat, type Tensor, tidy } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenCase, goldenFolder, goldenRows } from '../../../../support/golden.ts';
import { imageOf } from '../../../../support/imageOf.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { type Kind, tinyModel, vocabularyFiles } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

/** A single file of a tiny model, whose text encoders have three layers. */
const files = new Map(
  (['sd1', 'sd2', 'sdxl'] as const).map((kind) => [kind, writeSafetensors(ldmFile(tinyModel(kind)))]),
);
const vocabulary = Object.fromEntries(Object.entries(vocabularyFiles).map(([name, text]) => [`s/${name}`, text]));
const diskOf = (kind: Kind) => memoryFiles({ ...vocabulary, 's/m.safetensors': files.get(kind)! });

describe('CLIP skip', () => {
  it("is one more than diffusers' clip_skip", async () => {
    const settings = await goldenCase('tiny-sd15');
    const prompts = (settings.hidden_state_prompts as number[]).map((i) => (settings.prompts as string[])[i]!);
    const expected = (await goldenRows('tiny-sd15', 'out.text.clip_skip_1')).flat();
    const model = await loadDescribed(await describeModel(diskFiles, goldenFolder('tiny-sd15'), { clipSkip: 2 }), {});
    const got = tidy(() => concat(prompts.map((prompt) => model.encodePrompt(prompt).context)).dataSync());
    expect(got).toHaveLength(expected.length);
    expect(Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-4);
    model.dispose();
  });

  /** Features of a prompt, and the states that they may be of: the last, after the norm; 1, 2, 3 from the end, before it. */
  async function featuresOf(kind: Kind, stated: Overrides) {
    const model = await loadDescribed(await describeModel(diskOf(kind), 's/m.safetensors', stated), {});
    const result = tidy(() => {
      const outputs = model.encoders.map((encoder) => encoder.encode([promptIds('a red dog', encoder)]));
      const states = [1, 2, 3].map((k) =>
        concat(
          outputs.map(({ hiddenStates }) => hiddenStates.at(-k)!),
          2,
        ),
      );
      const features = model.encodePrompt('a red dog');
      const values = (x: Tensor) => [...x.dataSync()];
      return {
        context: values(features.context),
        pooled: features.pooled && values(features.pooled),
        normed: values(outputs[0]!.lastHiddenState),
        at: states.map(values),
      };
    });
    model.dispose();
    return result;
  }

  it('1 is the last layer of Stable Diffusion 1, which takes it without being told', async () => {
    const [own, first, second] = [
      await featuresOf('sd1', {}),
      await featuresOf('sd1', { clipSkip: 1 }),
      await featuresOf('sd1', { clipSkip: 2 }),
    ];
    expect(first.context).toEqual(own.context);
    expect(first.context).toEqual(first.normed);
    expect(second.context).not.toEqual(first.context);
  });

  it('2 is what XL takes by itself, and no layer of it is normed; its pooled embedding stays', async () => {
    const own = await featuresOf('sdxl', {});
    expect(own.context).toEqual(own.at[1]);
    for (const clipSkip of [1, 2, 3]) {
      const { context, pooled, at } = await featuresOf('sdxl', { clipSkip });
      expect(context).toEqual(at[clipSkip - 1]);
      expect(pooled).toEqual(own.pooled);
    }
  });

  it('counts the last layer of Stable Diffusion 2, which is not used', async () => {
    const own = await featuresOf('sd2', {});
    expect((await featuresOf('sd2', { clipSkip: 2 })).context).toEqual(own.context);
    expect((await featuresOf('sd2', { clipSkip: 3 })).context).not.toEqual(own.context);
  });

  it.each([
    ['sd1', 4, '1 to 3'],
    ['sd2', 1, '2 to 4'],
    ['sd2', 5, '2 to 4'],
    ['sdxl', 4, '1 to 3'],
  ] as const)('of %s is not %i, which is no layer', async (kind, clipSkip, range) => {
    await expect(describeModel(diskOf(kind), 's/m.safetensors', { clipSkip })).rejects.toMatchObject({
      code: 'DOES_NOT_FIT',
      at: { param: 'clipSkip' },
      message: expect.stringContaining(`which has ${range}.`),
    });
  });
});

describe('the noise schedule', () => {
  const schedulerOf = async (kind: Kind, stated: Overrides) =>
    (await describeModel(diskOf(kind), 's/m.safetensors', stated)).schedulerConfig;

  it('has zero terminal SNR for a model that predicts v or the sample, and starts at the last timestep', async () => {
    for (const prediction of ['v', 'sample'] as const) {
      const config = await schedulerOf('sdxl', { prediction, noiseSchedule: 'zero-snr' });
      expect(config).toMatchObject({ rescale_betas_zero_snr: true, timestep_spacing: 'trailing' });
      expect(createScheduler(config).plan(4)).toMatchObject({
        timesteps: [999, 749, 499, 249],
        initNoiseSigma: expect.closeTo(4096, 2),
      });
    }
    expect((await schedulerOf('sdxl', { prediction: 'v' })).rescale_betas_zero_snr).toBe(false);
  });

  it("is EDM's: of CosXL for v, of Playground for epsilon, whose latents it then has", async () => {
    expect(await schedulerOf('sdxl', { prediction: 'v', noiseSchedule: 'edm' })).toMatchObject({
      ...{ _class_name: 'EDMEulerScheduler', prediction_type: 'v_prediction', sigma_data: 1, sigma_max: 120 },
    });
    const playground = await describeModel(diskOf('sdxl'), 's/m.safetensors', { noiseSchedule: 'edm' });
    expect(playground.schedulerConfig).toMatchObject({
      ...{ _class_name: 'EDMDPMSolverMultistepScheduler', prediction_type: 'epsilon', sigma_data: 0.5, sigma_max: 80 },
    });
    const plain = await describeModel(diskOf('sdxl'), 's/m.safetensors');
    expect(plain.autoencoder.description.scalingFactor).toBe(0.13025);
    expect(playground.autoencoder.description.scalingFactor).toBe(0.5);
    const [images, others] = [
      await imageOf(diskOf('sdxl'), 's/m.safetensors', { stated: { noiseSchedule: 'edm' } }),
      await imageOf(diskOf('sdxl'), 's/m.safetensors', { stated: { prediction: 'v', noiseSchedule: 'edm' } }),
    ];
    for (const image of [images, others]) expect(image.every(Number.isFinite)).toBe(true);
    expect(images).not.toEqual(others);
  });

  it.each([
    ['sdxl', { noiseSchedule: 'zero-snr' }, /it predicts epsilon; set prediction to v/],
    ['sdxl', { noiseSchedule: 'edm', prediction: 'sample' }, /predicts the sample, and edm needs/],
    ['sd2', { noiseSchedule: 'edm' }, /does not say what it predicts, and edm needs/],
  ] as const)('of %s with %o is refused', async (kind, stated, message) => {
    await expect(schedulerOf(kind, stated)).rejects.toMatchObject({
      code: 'DOES_NOT_FIT',
      at: { param: 'noiseSchedule' },
    });
    await expect(schedulerOf(kind, stated)).rejects.toThrow(message);
  });
});
