import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../../../nodes/files.ts';
import {
  clipJson,
  clipPreprocessing,
  openClipJson,
  openClipPreprocessing,
} from '../../../../../nodes/ml/models/load/clipConfigs.ts';
import { type LoadedClip, loadClip, loadClipVision } from '../../../../../nodes/ml/models/load/loadClip.ts';
import * as tf from '../../../../../nodes/ml/tf.ts';
import { mappedCheckpoint } from '../../../../../nodes/ml/weights/mappedCheckpoint.ts';
import { openCheckpoint } from '../../../../../nodes/ml/weights/openCheckpoint.ts';
import { openClip } from '../../../../../nodes/ml/weights/openClipNames.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose } from '../../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../../support/golden.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import type { Tensors } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const folder = goldenFolder('clip-openclip');
const image = () => tf.randomNormal([1, 42, 42, 3], 0, 1, 'float32', 1) as tf.Tensor4D;

/** Both kinds of features of two models agree. */
async function expectSame(a: LoadedClip, b: LoadedClip): Promise<void> {
  const prompts = ['a red dog', ''];
  await expectClose(() => [
    [a.encodeImage(image()).imageEmbeds, b.encodeImage(image()).imageEmbeds, 1e-5],
    [a.encodePrompts(prompts), b.encodePrompts(prompts), 1e-5],
    [a.logitScale.clone(), b.logitScale.clone(), 1e-7],
  ]);
  a.dispose();
  b.dispose();
}

describe('loadClip', () => {
  it('reads open_clip folders, torch files and safetensors alike', async () => {
    await expectSame(await loadClip(diskFiles, folder), await loadClip(diskFiles, `${folder}/HPS_tiny_compressed.pt`));
  });

  it('reads the same weights under the names of transformers', async () => {
    await expectSame(await loadClip(diskFiles, folder), await loadClip(await transformersFolder(), 'tiny'));
  });

  it('loads the vision encoder alone, in fewer bytes', async () => {
    const whole = await loadClip(diskFiles, goldenFolder('clip-hf/clip'));
    const vision = await loadClipVision(diskFiles, goldenFolder('clip-hf/clip'));
    expect(vision.bytes).toBeLessThan(whole.bytes / 1.5);
    await expectClose(() => [[vision.encodeImage(image()).imageEmbeds, whole.encodeImage(image()).imageEmbeds, 1e-6]]);
    whole.dispose();
    vision.dispose();
  });

  it('takes any prompt: empty, of 500 words, with emoji and special tokens', async () => {
    const clip = await loadClip(diskFiles, goldenFolder('clip-hf/pickscore'));
    const prompts = ['', new Array(500).fill('mountain').join(' '), '🐱🚀', '<|endoftext|> a cat'];
    const features = tf.tidy(() => clip.encodePrompts(prompts));
    expect(features.shape).toEqual([4, 32]);
    expect((await features.data()).every(Number.isFinite)).toBe(true);
    features.dispose();
    clip.dispose();
  });

  it('says what was expected and what was found in a file of another architecture', async () => {
    const path = goldenFolder('tiny-sd15/unet/diffusion_pytorch_model.safetensors');
    await expect(loadClip(diskFiles, path)).rejects.toThrow(
      /is no CLIP: looked for vision_model.embeddings.class_embedding \(transformers\) or visual.conv1.weight \(open_clip\) among its \d+ tensors; it has \S+, \S+, \S+, \.\.\./,
    );
    await expect(loadClip(diskFiles, goldenFolder('taesd'))).rejects.toThrow('is no CLIP: looked for config.json');
    const json = JSON.stringify({ model_type: 'clip', projection_dim: 24 });
    const weights = await diskFiles.read(goldenFolder('clip-hf/clip/model.safetensors'));
    const files = memoryFiles({ 'm/config.json': json, 'm/model.safetensors': weights, ...(await vocabulary('m')) });
    await expect(loadClip(files, 'm')).rejects.toThrow(
      /does not fit the CLIP that its config describes: \d+ of 398 tensors are missing/,
    );
  });

  it('refuses a pickle that would run code', async () => {
    const path = goldenFolder('checkpoint-formats/hostile/zip_os_system.pt');
    await expect(loadClip(diskFiles, path)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });

  it('refuses a half of a CLIP where both are needed', async () => {
    const file = await openCheckpoint(diskFiles, goldenFolder('clip-hf/clip/model.safetensors'));
    const config = { model_type: 'clip_vision_model', projection_dim: 24, image_size: 42, patch_size: 7 };
    const files = memoryFiles({
      'm/config.json': JSON.stringify(config),
      'm/model.safetensors': await diskFiles.read(file.path),
    });
    await expect(loadClip(files, 'm')).rejects.toThrow("holds the images' half of a CLIP only");
  });
});

describe('configs of CLIP', () => {
  it('follow from the shapes of weights, as open_clip states them', async () => {
    const path = `${folder}/open_clip_model.safetensors`;
    const stored = await openCheckpoint(diskFiles, path);
    const derived = clipJson(mappedCheckpoint(stored, openClip(stored.names())), true);
    const { model_cfg } = JSON.parse(new TextDecoder().decode(await diskFiles.read(`${folder}/open_clip_config.json`)));
    const stated = openClipJson(model_cfg);
    const heads = { num_attention_heads: expect.any(Number) }; // which shapes do not show
    expect(derived).toMatchObject({
      projection_dim: stated.projection_dim,
      vision_config: { ...(stated.vision_config as object), ...heads },
      text_config: { ...(stated.text_config as object), ...heads },
    });
  });

  it('state how images are prepared', () => {
    const json = { size: { shortest_edge: 72 }, crop_size: { height: 64, width: 64 }, image_mean: [0.1, 0.2, 0.3] };
    expect(clipPreprocessing(json, 64)).toMatchObject({ size: 64, shortSide: 72, mean: [0.1, 0.2, 0.3] });
    expect(clipPreprocessing({ size: 64, crop_size: 64, do_normalize: false }, 64)).toMatchObject({
      shortSide: 64,
      deviation: [1, 1, 1],
    });
    expect(openClipPreprocessing({ mean: [0, 0, 0] }, 64).mean).toEqual([0, 0, 0]);
    expect(() => clipPreprocessing(json, 224)).toThrow('"crop_size" is {"height":64,"width":64} for a model of 224');
    expect(() => clipPreprocessing({ resample: 2 }, 224)).toThrow('"resample": 2');
    expect(() => clipPreprocessing({ size: { height: 9, width: 9 } }, 9)).toThrow('"size": {"height":9,"width":9}');
    expect(() => clipPreprocessing({ size: 5, crop_size: 9 }, 9)).toThrow('"size" is 5, less than the 9 pixels');
    expect(() => openClipPreprocessing({ resize_mode: 'squash' }, 9)).toThrow('"resize_mode": "squash"');
  });
});

/** The open_clip model written as transformers would, config and all, with a vocabulary of the same words. */
async function transformersFolder(): Promise<Files> {
  const stored = await openCheckpoint(diskFiles, `${folder}/open_clip_model.safetensors`);
  const mapped = mappedCheckpoint(stored, openClip(stored.names()));
  const tensors: Tensors = new Map();
  for (const name of mapped.names())
    tensors.set(name, {
      dtype: 'F32',
      shape: mapped.entry(name).shape,
      values: (await mapped.read(name)) as Float32Array,
    });
  const { model_cfg } = JSON.parse(new TextDecoder().decode(await diskFiles.read(`${folder}/open_clip_config.json`)));
  return memoryFiles({
    'tiny/config.json': JSON.stringify(openClipJson(model_cfg)),
    'tiny/model.safetensors': writeSafetensors(tensors),
    ...(await vocabulary('tiny')),
  });
}

async function vocabulary(place: string): Promise<Record<string, Uint8Array>> {
  const read = (name: string) => diskFiles.read(goldenFolder(`clip-hf/tokenizer/${name}`));
  return { [`${place}/vocab.json`]: await read('vocab.json'), [`${place}/merges.txt`]: await read('merges.txt') };
}
