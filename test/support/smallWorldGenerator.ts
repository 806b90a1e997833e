import { upsampleNearest2x } from '../../nodes/ml/nn/upsampleNearest2x.ts';
import { add, clipByValue, mean, mul, reshape, zeros } from '../../nodes/ml/tf.ts';
import type { FrozenGenerator } from '../../nodes/ml/train/frozenGenerator.ts';

/** config.json of a small U-Net for latents of 16 x 16. */
export const smallUnetJson = {
  _class_name: 'UNet2DConditionModel',
  sample_size: 16,
  in_channels: 3,
  out_channels: 3,
  block_out_channels: [8, 16],
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};

/** A generator around a U-Net: latents are the mean colours of 4 x 4 pixels; prompts say nothing. */
export const smallWorldGenerator = (unet: FrozenGenerator['unet']): FrozenGenerator => ({
  unet,
  encode: (pixels) => reshape(mean(reshape(pixels, [pixels.shape[0] * 16, 4, 16, 4, 3]), [1, 3]), [-1, 16, 16, 3]),
  decode: (latents) => clipByValue(add(mul(upsampleNearest2x(upsampleNearest2x(latents)), 0.5), 0.5), 0, 1),
  encodePrompts: (prompts) => zeros([prompts.length, 2, 8]),
  alphasCumprod: Float32Array.from({ length: 1000 }, (_, t) => Math.cos((t / 1000) * (Math.PI / 2)) ** 2),
});
