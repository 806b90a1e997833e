import { beforeAll, describe, expect, it } from 'vitest';
import { describeModel } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { loadDescribed } from '../../../../../nodes/ml/models/load/modelDescription.ts';
import type { Overrides } from '../../../../../nodes/ml/models/load/overrides.ts';
import { promptIds } from '../../../../../nodes/ml/models/promptFeatures.ts';
import { concat, type Tensor, tidy } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenCase, goldenFolder, goldenRows } from '../../../../support/golden.ts';
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
