import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { residual } from '../nn/residual.ts';
import type { Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addConvShapes, addNormShapes, type ResnetOptions, type Shapes } from './unetBlocks.ts';

/**
 * shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x)))))), 3x3 convolutions. [N, H, W, C] -> [N, H, W, D]
 * Source: diffusers, ResnetBlock2D without a time embedding
 */
export function residualBlock(
  x: Tensor4D,
  w: Weights,
  { groups, eps }: Pick<ResnetOptions, 'groups' | 'eps'>,
): Tensor4D {
  const h = conv2d(groupNorm(x, w.at('norm1'), groups, eps, 'silu'), w.at('conv1'), { padding: 1 });
  const y = conv2d(groupNorm(h, w.at('norm2'), groups, eps, 'silu'), w.at('conv2'), { padding: 1 });
  return residual(w.has('conv_shortcut.weight') ? conv2d(x, w.at('conv_shortcut')) : x, y);
}

export function addResidualBlockShapes(shapes: Shapes, name: string, from: number, to: number): void {
  addNormShapes(shapes, `${name}.norm1`, from);
  addConvShapes(shapes, `${name}.conv1`, from, to, 3);
  addNormShapes(shapes, `${name}.norm2`, to);
  addConvShapes(shapes, `${name}.conv2`, to, to, 3);
  if (from !== to) addConvShapes(shapes, `${name}.conv_shortcut`, from, to, 1);
}
