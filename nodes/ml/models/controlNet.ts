import { UserError } from '../../errors.ts';
import type { ControlNetInput } from '../../ports.ts';
import { silu } from '../nn/activations.ts';
import { conv2d } from '../nn/conv2d.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { mean, mul, reverse, type Tensor4D, tidy, tile } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addConvShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';
import { type Json, reader, type UNetEncoderConfig, unetEncoderConfig } from './unetConfig.ts';
import { addEncoderShapes, downStages, unetEncoder } from './unetEncoder.ts';

/** config.json of diffusers' ControlNetModel. */
export interface ControlNetConfig extends UNetEncoderConfig {
  /** Of condition images, which are RGB here. */
  readonly conditioning_channels: 3;
  /** Each after the first halves the image's sides. */
  readonly conditioning_embedding_out_channels: readonly number[];
  readonly controlnet_conditioning_channel_order: 'rgb' | 'bgr';
  /** Residuals are averaged over the image. */
  readonly global_pool_conditions: boolean;
}

/** Reads config.json of a ControlNetModel, as `unetConfig` does. */
export function controlNetConfig(json: Json): ControlNetConfig {
  const read = reader('ControlNetModel', json);
  const order = json.controlnet_conditioning_channel_order ?? 'rgb';
  if (order !== 'rgb' && order !== 'bgr') throw read.unsupported('controlnet_conditioning_channel_order', order);
  const channels = read.count('conditioning_channels', 3);
  if (channels !== 3) throw read.unsupported('conditioning_channels', channels);
  return {
    ...unetEncoderConfig('ControlNetModel', json),
    conditioning_channels: channels,
    conditioning_embedding_out_channels: read.counts('conditioning_embedding_out_channels', [16, 32, 96, 256]),
    controlnet_conditioning_channel_order: order,
    global_pool_conditions: read.flag('global_pool_conditions', false),
  };
}

/** Names and shapes of the weights, as in the file: kernels [out, in, kh, kw], matrices [out, in]. */
export function controlNetShapes(config: ControlNetConfig): Shapes {
  const shapes: Shapes = new Map();
  addEncoderShapes(shapes, config);
  const widths = config.conditioning_embedding_out_channels;
  const embedding = 'controlnet_cond_embedding';
  addConvShapes(shapes, `${embedding}.conv_in`, config.conditioning_channels, widths[0]!, 3);
  for (const [i, width] of widths.slice(0, -1).entries()) {
    addConvShapes(shapes, `${embedding}.blocks.${2 * i}`, width, width, 3);
    addConvShapes(shapes, `${embedding}.blocks.${2 * i + 1}`, width, widths[i + 1]!, 3);
  }
  const first = config.block_out_channels[0]!;
  addConvShapes(shapes, `${embedding}.conv_out`, widths.at(-1)!, first, 3);
  const skips = [first, ...downStages(config).flatMap(skipWidths)];
  for (const [i, width] of skips.entries()) addConvShapes(shapes, `controlnet_down_blocks.${i}`, width, width, 1);
  const last = config.block_out_channels.at(-1)!;
  addConvShapes(shapes, 'controlnet_mid_block', last, last, 1);
  return shapes;
}

function skipWidths({ resnets, resampled }: ReturnType<typeof downStages>[number]): number[] {
  const widths = resnets.map(({ to }) => to);
  return resampled ? [...widths, widths.at(-1)!] : widths;
}

interface ControlNetStrength {
  /** Multiplies every residual. */
  readonly scale?: number;
  /** Weakens the residuals of the first levels, so that the image steers without a prompt: 0.1 for the first rising to 1 for the last. */
  readonly guessMode?: boolean;
}

/**
 * A copy of a U-Net's encoder that also takes a condition image; its outputs are added to the U-Net's skip connections.
 * The returned function: see `ControlNet.residuals` in ports.ts; throws UserError `BAD_SIZE`, `BAD_SHAPE`.
 * Source: arXiv 2302.05543, section 3; guess mode: github.com/lllyasviel/ControlNet; diffusers, ControlNetModel
 */
export function controlNet(weights: Weights, config: ControlNetConfig, memory: MemoryOptions = {}) {
  const encoder = unetEncoder(weights, config, memory);
  return (
    { sample, timesteps, context, image, added }: ControlNetInput,
    { scale = 1, guessMode = false }: ControlNetStrength = {},
  ): { down: Tensor4D[]; mid: Tensor4D } =>
    tidy(() => {
      const steering = encoder.steer(sample.shape[0], timesteps, context, added);
      const hint = conditionEmbedding(image, weights, config, memory);
      requireSameSize(hint, sample, image);
      const all = hint.shape[0] === sample.shape[0] ? hint : tile(hint, [sample.shape[0], 1, 1, 1]);
      const first = conv2d(sample, weights.at('conv_in'), { padding: (config.conv_in_kernel - 1) / 2 });
      const skips = encoder.down(residual(first, all), steering);
      const middle = encoder.middle(skips.at(-1)!, steering);
      const projected = [
        ...skips.map((skip, i) => conv2d(skip, weights.at(`controlnet_down_blocks.${i}`))),
        conv2d(middle, weights.at('controlnet_mid_block')),
      ];
      const strength = (i: number) =>
        guessMode && !config.global_pool_conditions ? scale * 10 ** (i / (projected.length - 1) - 1) : scale;
      const outputs = projected.map((output, i) => {
        const pooled = config.global_pool_conditions ? (mean(output, [1, 2], true) as Tensor4D) : output;
        return strength(i) === 1 ? pooled : (mul(pooled, strength(i)) as Tensor4D);
      });
      return { down: outputs.slice(0, -1), mid: outputs.at(-1)! };
    });
}

/** Condition images [N, H, W, 3] in [0, 1] -> [N, h, w, C] for the first convolution's output. The caller owns it. */
export function conditionEmbedding(
  image: Tensor4D,
  weights: Weights,
  config: ControlNetConfig,
  memory: MemoryOptions = {},
): Tensor4D {
  const run = memory.recompute ? recompute : plainly;
  const w = weights.at('controlnet_cond_embedding');
  const blocks = config.conditioning_embedding_out_channels.length - 1;
  return run(
    (pixels: Tensor4D) => {
      const ordered = config.controlnet_conditioning_channel_order === 'bgr' ? reverse(pixels, 3) : pixels;
      let x = silu(conv2d(ordered, w.at('conv_in'), { padding: 1 }));
      for (let i = 0; i < blocks; i++) {
        x = silu(conv2d(x, w.at(`blocks.${2 * i}`), { padding: 1 }));
        x = silu(conv2d(x, w.at(`blocks.${2 * i + 1}`), { padding: 1, stride: 2 }));
      }
      return conv2d(x, w.at('conv_out'), { padding: 1 });
    },
    [image] as const,
  );
}

function requireSameSize(hint: Tensor4D, sample: Tensor4D, image: Tensor4D): void {
  const [, height, width] = sample.shape;
  if (hint.shape[1] === height && hint.shape[2] === width) return;
  const factor = Math.round(image.shape[1] / hint.shape[1]);
  throw new UserError(
    'BAD_SIZE',
    `The condition image is ${image.shape[2]}x${image.shape[1]} pixels; for these latents the ControlNet needs ${width * factor}x${height * factor}.`,
  );
}
