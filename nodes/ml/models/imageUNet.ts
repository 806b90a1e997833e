import { UserError } from '../../errors.ts';
import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { upsampleNearest2x } from '../nn/upsampleNearest2x.ts';
import { concat, mul, sigmoid, sub, type Tensor4D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addResidualBlockShapes, residualBlock } from './residualBlock.ts';
import { addConvShapes, addNormShapes, type Shapes } from './unetBlocks.ts';
import { type Json, reader } from './unetConfig.ts';

const imageTasks = ['segmentation', 'depth'] as const;

/** config.json of an ImageUNet. */
export interface ImageUNetConfig {
  readonly in_channels: number;
  readonly out_channels: number;
  /** One entry a level; each after the first halves the sides. */
  readonly block_out_channels: readonly number[];
  readonly norm_num_groups: number;
  readonly task: (typeof imageTasks)[number];
  /** For people: the class of each output channel; empty for depth. */
  readonly labels: readonly string[];
}

const EPS = 1e-5;

/** Reads config.json of an ImageUNet. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function imageUNetConfig(json: Json): ImageUNetConfig {
  const read = reader('ImageUNet', json);
  // PictureUNet: what models trained by version 0.1 say
  if (json._class_name !== 'ImageUNet' && json._class_name !== 'PictureUNet')
    throw read.unsupported('_class_name', json._class_name ?? null);
  const task = imageTasks.find((name) => name === json.task);
  if (!task) throw read.unsupported('task', json.task ?? null);
  const config = {
    in_channels: read.count('in_channels', 3),
    out_channels: read.count('out_channels'),
    block_out_channels: read.counts('block_out_channels', [16, 32, 64, 96]),
    norm_num_groups: read.count('norm_num_groups', 8),
    task,
    labels: Array.isArray(json.labels) ? json.labels.map(String) : [],
  };
  const uneven = config.block_out_channels.find((width) => width % config.norm_num_groups !== 0);
  if (uneven !== undefined)
    throw read.bad(`"norm_num_groups" is ${config.norm_num_groups}, which does not divide the ${uneven} channels`);
  const expected = task === 'segmentation' ? config.out_channels : 0;
  if (config.labels.length !== expected)
    throw read.bad(`"labels" has ${config.labels.length} entries, and ${expected} are needed for ${task}`);
  if (task === 'depth' && config.out_channels !== 1)
    throw read.bad(`"out_channels" is ${config.out_channels}, and 1 is needed for depth`);
  return config;
}

/** Names and shapes of the weights, as in the file. */
export function imageUNetShapes(config: ImageUNetConfig): Shapes {
  const { block_out_channels: widths } = config;
  const shapes: Shapes = new Map();
  addConvShapes(shapes, 'conv_in', config.in_channels, widths[0]!, 3);
  for (const [i, width] of widths.entries()) {
    addResidualBlockShapes(shapes, `down_blocks.${i}.resnets.0`, widths[i - 1] ?? width, width);
    if (i < widths.length - 1) addConvShapes(shapes, `down_blocks.${i}.downsamplers.0.conv`, width, width, 3);
  }
  addResidualBlockShapes(shapes, 'mid_block.resnets.0', widths.at(-1)!, widths.at(-1)!);
  for (const [i, width] of widths.slice(0, -1).entries()) {
    addConvShapes(shapes, `up_blocks.${i}.upsamplers.0.conv`, widths[i + 1]!, width, 3);
    addResidualBlockShapes(shapes, `up_blocks.${i}.resnets.0`, 2 * width, width);
  }
  addNormShapes(shapes, 'conv_norm_out', widths[0]!);
  addConvShapes(shapes, 'conv_out', widths[0]!, config.out_channels, 3);
  return shapes;
}

/**
 * A small U-Net that says something of every pixel of an image: class logits, or inverse depth.
 *
 * Level i has a residual block of `block_out_channels[i]` channels at 1 / 2^i of the sides; on the way up, level i joins
 * what comes from below to its own output of the way down (`up_blocks.i` belongs to level i, so the last runs first).
 * pixels [N, H, W, in_channels] in [0, 1], sides multiples of 2^(levels - 1), -> [N, H, W, out_channels]: logits for
 * segmentation, values in (0, 1) with 1 nearest for depth. Differentiable in pixels and weights. The caller owns the
 * result. Throws UserError `BAD_SIZE`.
 * Source: arXiv 1505.04597, figure 1, with the residual blocks of diffusers
 */
export function imageUNet(weights: Weights, config: ImageUNetConfig): (pixels: Tensor4D) => Tensor4D {
  const norm = { groups: config.norm_num_groups, eps: EPS };
  const levels = config.block_out_channels.length;
  const block = (x: Tensor4D, name: string) => residualBlock(x, weights.at(`${name}.resnets.0`), norm);
  return (pixels) =>
    tidy(() => {
      requireDivisible(pixels, 2 ** (levels - 1));
      let x = conv2d(sub(mul(pixels, 2), 1), weights.at('conv_in'), { padding: 1 });
      const skips: Tensor4D[] = [];
      for (let i = 0; i < levels; i++) {
        x = block(x, `down_blocks.${i}`);
        if (i === levels - 1) break;
        skips.push(x);
        x = conv2d(x, weights.at(`down_blocks.${i}.downsamplers.0.conv`), { stride: 2, padding: 1 });
      }
      x = block(x, 'mid_block');
      for (let i = levels - 2; i >= 0; i--) {
        const wide = conv2d(upsampleNearest2x(x), weights.at(`up_blocks.${i}.upsamplers.0.conv`), { padding: 1 });
        x = block(concat([wide, skips[i]!], 3), `up_blocks.${i}`);
      }
      x = groupNorm(x, weights.at('conv_norm_out'), norm.groups, norm.eps, 'silu');
      const outputs = conv2d(x, weights.at('conv_out'), { padding: 1 });
      return config.task === 'depth' ? sigmoid(outputs) : outputs;
    });
}

function requireDivisible({ shape: [, height, width] }: Tensor4D, factor: number): void {
  if (height % factor === 0 && width % factor === 0) return;
  throw new UserError('BAD_SIZE', `The image is ${width}x${height}; both sides must be multiples of ${factor}.`);
}
