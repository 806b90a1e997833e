import { beforeAll, describe, expect, it } from 'vitest';
import { clipDeviation, clipMean } from '../../../nodes/ml/image/clipTransform.ts';
import type { LoadedClip } from '../../../nodes/ml/models/load/loadClip.ts';
import { clipReward } from '../../../nodes/ml/rewards/clipReward.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { openSafetensors } from '../../../nodes/ml/weights/safetensors.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { aesthetic } from '../../../nodes/reward/aesthetic.ts';
import { clipScore } from '../../../nodes/reward/clipScore.ts';
import { hps } from '../../../nodes/reward/hps.ts';
import { imageReward } from '../../../nodes/reward/imageReward.ts';
import { pickScore } from '../../../nodes/reward/pickScore.ts';
import { expectClose } from '../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenCase, goldenFolder } from '../../support/golden.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => {
  await openTestDevice();
}, 120_000);
guardLeaks();

const { context } = nodeContext({ files: diskFiles });
const place = goldenFolder;
const head = place('aesthetic/real/ava+logos-l14-linearMSE.pth');

/** The nodes on golden weights, where the reference's numbers lie, and what ReNO subtracts the score from. */
const nodes: Record<
  string,
  { load: () => Promise<{ reward: Reward }>; family: string; prefix: string; offset: number }
> = {
  'clip-score': {
    load: async () => clipScore.run({}, { model: place('clip-hf/clip'), scale: 'logits', weight: 0.01 }, context),
    family: 'clip-hf',
    prefix: 'out.clip.',
    offset: 100,
  },
  'pick-score': {
    load: async () => pickScore.run({}, { model: place('clip-hf/pickscore'), weight: 0.05 }, context),
    family: 'clip-hf',
    prefix: 'out.pickscore.',
    offset: 30,
  },
  hps: {
    load: async () =>
      hps.run({}, { model: place('clip-openclip/HPS_tiny_compressed.pt'), variant: 'v2.1', weight: 5 }, context),
    family: 'clip-openclip',
    prefix: 'out.',
    offset: 1,
  },
  'image-reward': {
    load: async () => imageReward.run({}, { model: place('imagereward'), weight: 1 }, context),
    family: 'imagereward',
    prefix: 'out.',
    offset: 2,
  },
  aesthetic: {
    load: async () => aesthetic.run({}, { model: head, clip: place('aesthetic/clip') }, context),
    family: 'aesthetic',
    prefix: 'out.',
    offset: 10,
  },
};

async function golden(family: string, name: string): Promise<tf.Tensor> {
  const file = await openSafetensors(diskFiles, `${place(family)}/expected.safetensors`);
  return tf.tensor((await file.read(name)) as Float32Array, [...file.entry(name).shape]);
}

describe.each(Object.entries(nodes))('reward/%s on golden weights', (_, { load, family, prefix, offset }) => {
  it('scores as the reference, and its gradient reaches the pixels', async () => {
    const { reward } = await load();
    const prompt = String((await goldenCase(family)).loss_prompt ?? 'any');
    const given = ['in.pixels', `${prefix}reno_loss`, `${prefix}grad_pixels`];
    const [normalised, loss, derivative] = await Promise.all(given.map((name) => golden(family, name)));
    await expectClose(() => {
      const first = tf.slice(normalised!, [0, 0, 0, 0], [1, -1, -1, -1]);
      const pixels = tf.add(tf.mul(tf.transpose(first, [0, 2, 3, 1]), [...clipDeviation]), [
        ...clipMean,
      ]) as tf.Tensor4D;
      const score = (x: tf.Tensor) => tf.sum(reward.score(x as tf.Tensor4D, [prompt]));
      const gradient = tf.mul(
        tf.grad(score)(pixels),
        [...clipDeviation].map((each) => -each),
      ); // of the loss, by normalised pixels
      return [
        [tf.sub(offset, score(pixels)), loss!, 1e-4],
        [tf.transpose(gradient, [0, 3, 1, 2]), derivative!, 1e-3],
      ];
    });
    tf.dispose([normalised!, loss!, derivative!]);
    reward.dispose();
  });

  it('scores each image of any size by its own prompt, and again the same', async () => {
    const { reward } = await load();
    await expectClose(() => {
      const images = tf.randomUniform([2, 50, 60, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const both = reward.score(images, ['a red dog', 'a cat']);
      const second = reward.score(tf.slice(images, [1, 0, 0, 0], [1, 50, 60, 3]), ['a cat']);
      return [
        [tf.slice(both, 1, 1), second, 1e-4],
        [reward.score(images, ['a red dog', 'a cat']), both, 1e-6],
      ];
    });
    expect(reward.bytes).toBeGreaterThan(1e4);
    expect(reward.differentiable).toBe(true);
    reward.dispose();
  });
});

describe('cosines as scores', () => {
  /** A CLIP of images of 2 x 2 whose features are the two first pixels' red, and of prompts one of two directions. */
  function plainClip(): LoadedClip & { readonly asked: string[][] } {
    const asked: string[][] = [];
    return {
      asked,
      name: 'plain',
      bytes: 0,
      preprocessing: { size: 2, shortSide: 2, mean: [0, 0, 0], deviation: [1, 1, 1] },
      logitScale: tf.scalar(Math.log(100)),
      unreadPart: () => '',
      encodePrompts(prompts) {
        asked.push([...prompts]);
        return tf.tensor2d(prompts.map((prompt) => (prompt.endsWith('left') ? [1, 0] : [-3, 0])));
      },
      encodeImage: (pixels) => ({
        lastHiddenState: tf.zeros([1, 1, 1]),
        imageEmbeds: tf.reshape(tf.slice(pixels, [0, 0, 0, 0], [-1, 1, 2, 1]), [-1, 2]),
      }),
      dispose() {
        this.logitScale.dispose();
      },
    };
  }
  const image = () => tf.tensor4d([3, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 2, 3]); // direction (3, 4): cosine 0.6

  it.each([
    ['logits', 60, -60],
    ['cosine', 0.6, -0.6],
    ['clipscore', 1.5, 0],
  ] as const)('%s', async (scale, left, right) => {
    const clip = plainClip();
    const reward = clipReward(clip, { name: 'plain', usualRange: [0, 1], scale });
    await expectClose(() => {
      const pixels = tf.concat([image(), image()]);
      return [[reward.score(pixels, ['go left', 'go right']), tf.tensor1d([left, right]), 1e-6]];
    });
    const prefix = scale === 'clipscore' ? 'A photo depicts ' : '';
    expect(clip.asked).toEqual([[`${prefix}go left`], [`${prefix}go right`]]);
    reward.dispose();
  });

  it('read each prompt once, also inside of a gradient', async () => {
    const clip = plainClip();
    const reward = clipReward(clip, { name: 'plain', usualRange: [0, 1], scale: 'cosine' });
    await expectClose(() => {
      const score = (x: tf.Tensor) => tf.sum(reward.score(x as tf.Tensor4D, ['left']));
      const gradients = [tf.grad(score)(image()), tf.grad(score)(image())] as const;
      return [[gradients[0], gradients[1], 1e-6]];
    });
    expect(clip.asked).toEqual([['left']]);
    reward.dispose();
  });
});

describe('reward/hps', () => {
  it('takes the file of its variant from a folder, or says which there are', async () => {
    const bytes = await diskFiles.read(place('clip-openclip/HPS_tiny_compressed.pt'));
    const config = await diskFiles.read(place('clip-openclip/open_clip_config.json'));
    const merges = await diskFiles.read(place('clip-openclip/simple_tokenizer/bpe_vocab.txt.gz'));
    const files = memoryFiles({
      'HPSv2/HPS_v2.1_compressed.pt': bytes,
      'HPSv2/open_clip_config.json': config,
      'HPSv2/bpe.txt.gz': merges,
    });
    const world = nodeContext({ files }).context;
    const { reward } = await hps.run({}, { model: 'HPSv2', variant: 'v2.1', weight: 5 }, world);
    expect(reward.name).toBe('HPSv2.1');
    reward.dispose();
    await expect(hps.run({}, { model: 'HPSv2', variant: 'v2', weight: 5 }, world)).rejects.toThrow(
      '"HPSv2" has no HPS_v2_compressed.pt; it holds HPS_v2.1_compressed.pt.',
    );
  });
});

describe('built-in models', () => {
  it('reward/clip-score takes a small CLIP with its own size and preprocessor', async () => {
    const files = await smallClip();
    const world = nodeContext({ files }).context;
    const { reward } = await clipScore.run({}, { model: 'builtin:clip', scale: 'cosine', weight: 0.01 }, world);
    const { reward: picked } = await pickScore.run({}, { model: 'builtin:clip', weight: 0.05 }, world);
    await expectClose(() => {
      const images = tf.randomUniform([2, 64, 64, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const cosines = reward.score(images, ['a red circle', '']);
      return [[picked.score(images, ['a red circle', '']), tf.mul(cosines, Math.exp(2)), 1e-5]];
    });
    expect([reward.weight, picked.weight]).toEqual([0.01, 0.05]);
    reward.dispose();
    picked.dispose();
  });
});

/** A CLIPModel of images of 48 pixels in patches of 8, with the tokenizer in a folder of its own. */
async function smallClip() {
  const { clipConfig, clipShapes } = await import('../../../nodes/ml/models/clip.ts');
  const { randomStream } = await import('../../../nodes/ml/random.ts');
  const { learnMerges } = await import('../../../nodes/ml/text/learnMerges.ts');
  const { writeSafetensors } = await import('../../../nodes/ml/weights/writeSafetensors.ts');
  const { vocab, merges } = learnMerges(['a', 'red', 'circle']);
  const tower = { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2 };
  const json = {
    model_type: 'clip',
    projection_dim: 8,
    vision_config: { ...tower, image_size: 48, patch_size: 8 },
    text_config: { ...tower, vocab_size: Object.keys(vocab).length, max_position_embeddings: 16, eos_token_id: 2 },
  };
  const random = randomStream(5);
  const tensors = [...clipShapes(clipConfig(json))].map(([name, shape]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    const values = Float32Array.from({ length: count }, () => (name === 'logit_scale' ? 2 : 0.3 * random.normal()));
    return [name, { dtype: 'F32', shape, values }] as const;
  });
  return memoryFiles({
    'builtin:clip/config.json': JSON.stringify(json),
    'builtin:clip/preprocessor_config.json': JSON.stringify({
      size: { shortest_edge: 56 },
      crop_size: { height: 48, width: 48 },
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    }),
    'builtin:clip/model.safetensors': writeSafetensors(new Map(tensors)),
    'builtin:clip/tokenizer/vocab.json': JSON.stringify(vocab),
    'builtin:clip/tokenizer/merges.txt': merges.join('\n'),
  });
}
