import { beforeAll, describe, expect, it } from 'vitest';
import { loadImageReward } from '../../../../../nodes/ml/models/load/loadImageReward.ts';
import * as tf from '../../../../../nodes/ml/tf.ts';
import { openCheckpoint } from '../../../../../nodes/ml/weights/openCheckpoint.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose, gradientPair } from '../../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../../support/golden.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import type { Tensors } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const folder = goldenFolder('imagereward');
const images = (count: number) => tf.randomNormal([count, 42, 42, 3], 0, 1, 'float32', 1) as tf.Tensor4D;

/** The weights as a mirror would store them: safetensors, a prefix before every name, no configs but BERT's heads. */
async function mirror() {
  const file = await openCheckpoint(diskFiles, `${folder}/ImageReward_tiny.pt`);
  const tensors: Tensors = new Map();
  for (const name of file.names().filter((each) => !each.endsWith('position_ids')))
    tensors.set(`model.${name}`, {
      dtype: 'F32',
      shape: file.entry(name).shape,
      values: (await file.read(name)) as Float32Array,
    });
  return memoryFiles({
    'mirror/model.safetensors': writeSafetensors(tensors),
    'mirror/vocab.txt': await diskFiles.read(`${folder}/tokenizer/vocab.txt`),
    'mirror/med_config.json': await diskFiles.read(`${folder}/med_config.json`),
    'mirror/vision_config.json': await diskFiles.read(`${folder}/vision_config.json`),
  });
}

describe('loadImageReward', () => {
  it('reads the torch file and a safetensors mirror alike', async () => {
    const [a, b] = [await loadImageReward(diskFiles, folder), await loadImageReward(await mirror(), 'mirror')];
    const prompts = ['a red dog', 'a green cat'];
    await expectClose(() => {
      const both = [a, b].map((model) => model.judge(model.readPrompts(prompts, model.encodeImage(images(2)))));
      return [[both[0]!, both[1]!, 1e-6]];
    });
    expect(a.bytes).toBe(b.bytes);
    a.dispose();
    b.dispose();
  });

  it('has the gradient that finite differences give, pair by pair', async () => {
    const model = await loadImageReward(diskFiles, folder);
    const score = (x: tf.Tensor, prompts: string[]) =>
      model.judge(model.readPrompts(prompts, model.encodeImage(x as tf.Tensor4D)));
    await expectClose(() => {
      const x = images(2);
      const loss = (input: tf.Tensor) => tf.sum(tf.mul(score(input, ['a dog', 'an astronaut, 8K']), [10, -20]));
      const second = tf.slice(x, [1, 0, 0, 0], [1, 42, 42, 3]);
      return [
        gradientPair(loss, x, tf.grad(loss)(x), 0.01),
        [tf.slice(score(x, ['a dog', 'a cat']), 1, 1), score(second, ['a cat']), 1e-5],
      ];
    });
    model.dispose();
  });

  it('takes any prompt: empty, of 500 words, with emoji and special tokens', async () => {
    const model = await loadImageReward(diskFiles, folder);
    const prompts = ['', new Array(500).fill('mountain').join(' '), '🐱🚀', '[SEP] a cat [PAD]'];
    const scores = tf.tidy(() => model.judge(model.readPrompts(prompts, model.encodeImage(images(4)))));
    expect((await scores.data()).every(Number.isFinite)).toBe(true);
    scores.dispose();
    model.dispose();
  });

  it('says what was expected and what was found', async () => {
    const unet = goldenFolder('tiny-sd15/unet/diffusion_pytorch_model.safetensors');
    await expect(loadImageReward(diskFiles, unet)).rejects.toThrow(
      /is no ImageReward: looked for blip.visual_encoder.cls_token among its \d+ tensors; it has \S+, \S+, \S+, \.\.\./,
    );
    await expect(loadImageReward(diskFiles, goldenFolder('taesd'))).rejects.toThrow(
      'is no ImageReward: looked for ImageReward.pt and model.safetensors; it holds',
    );
    const hostile = goldenFolder('checkpoint-formats/hostile/zip_os_system.pt');
    await expect(loadImageReward(diskFiles, hostile)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });
});
