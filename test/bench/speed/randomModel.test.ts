import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openFiles } from '../../../electron/files/files.ts';
import { fileFolders } from '../../../electron/files/folders.ts';
import { loadClip } from '../../../nodes/ml/models/load/loadClip.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { clipReward } from '../../../nodes/ml/rewards/clipReward.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { mini, type RandomModel, rewardFolder, writeRandomModel } from './randomModel.ts';

await openTestDevice();
guardLeaks();

it('a random model loads as any other does, draws finite images and is judged by its CLIP', async () => {
  const vision = { ...(mini.clip.vision_config as object), num_hidden_layers: 1, image_size: 32 };
  const small: RandomModel = {
    unet: { ...mini.unet, block_out_channels: [32, 32, 32, 32], layers_per_block: 1, sample_size: 8 },
    vae: { ...mini.vae, block_out_channels: [32, 32, 32, 32], layers_per_block: 1 },
    textEncoder: { ...mini.textEncoder, num_hidden_layers: 1 },
    clip: { ...mini.clip, vision_config: vision },
  };
  const folder = await mkdtemp(join(tmpdir(), 'noiseloom-'));
  try {
    const parts = await writeRandomModel(folder, small);
    expect(parts.unet).toBeGreaterThan(100_000);
    const files = openFiles(fileFolders(folder));
    const generator = await loadGenerator(files, folder);
    const clip = await loadClip(files, join(folder, rewardFolder));
    const reward = clipReward(clip, { name: 'CLIP', scale: 'cosine', usualRange: [0, 1] });
    expect(generator.defaults).toMatchObject({ steps: 1, guidanceScale: 1, width: 64, height: 64 });
    const score = tf.tidy(() => {
      const noise = tf.randomNormal([1, 8, 8, 4], 0, 1, 'float32', 1) as tf.Tensor4D;
      const steps = generator.denoise({
        noise: { latents: noise, seeds: [1] },
        prompts: ['a red circle'],
        negativePrompt: '',
        settings: generator.defaults,
        conditions: [],
      });
      let step = steps.next();
      while (!step.done) step = steps.next();
      return reward.score(generator.decode(step.value), ['a red circle']);
    });
    const [value] = await score.data();
    expect(Math.abs(value as number)).toBeLessThanOrEqual(1);
    score.dispose();
    reward.dispose();
    generator.dispose();
  } finally {
    await rm(folder, { recursive: true });
  }
});
