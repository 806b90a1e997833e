import { resizeBilinear } from '../image/resize.ts';
import { conv2d } from '../nn/conv2d.ts';
import { maxPool2x2 } from '../nn/maxPool2x2.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { add, mul, reshape, sigmoid, sub, type Tensor4D, tidy } from '../tf.ts';
import type { Checkpoint } from '../weights/checkpoint.ts';
import type { Weights } from '../weights/weights.ts';
import { addConvShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';

/** Convolutions of the five blocks, as in VGG-16. */
const depths = [2, 2, 3, 3, 3];
const publishedWidths = [64, 128, 256, 512, 512];

/** Channels of the five blocks, as the checkpoint has them; those of the published one where it is something else. */
export function hedWidths(checkpoint: Checkpoint): number[] {
  return publishedWidths.map((width, i) => {
    const name = `block${i + 1}.convs.0.weight`;
    return checkpoint.has(name) ? (checkpoint.entry(name).shape[0] ?? width) : width;
  });
}

/** Names and shapes of the weights, as in lllyasviel/Annotators ControlNetHED.pth. */
export function hedShapes(widths: readonly number[]): Shapes {
  const shapes: Shapes = new Map([['norm', [1, 3, 1, 1]]]);
  for (const [i, width] of widths.entries()) {
    for (let j = 0; j < depths[i]!; j++)
      addConvShapes(shapes, `block${i + 1}.convs.${j}`, j ? width : (widths[i - 1] ?? 3), width, 3);
    addConvShapes(shapes, `block${i + 1}.projection`, width, 1, 1);
  }
  return shapes;
}

/**
 * Soft edges by holistically nested edge detection: five blocks, each at half the size of the one before it, predict
 * edges; the mean of the five at full size goes through a sigmoid. Unlike the released code, nothing is
 * rounded to whole numbers on the way, so that gradients pass.
 * pixels [N, H, W, 3] in [0, 1], sides of 16 and more -> [N, H, W, 1] in (0, 1), 1 an edge. The caller owns the result.
 * Source: arXiv 1504.06375, section 3; lllyasviel/ControlNet, annotator/hed
 */
export function hed(w: Weights, memory: MemoryOptions = {}): (pixels: Tensor4D) => Tensor4D {
  const run = memory.recompute ? recompute : plainly;
  const block = (input: Tensor4D, i: number): Tensor4D => {
    const convolve = (x: Tensor4D): Tensor4D => {
      let h = i === 0 ? x : maxPool2x2(x);
      for (let j = 0; j < depths[i]!; j++)
        h = conv2d(h, w.at(`block${i + 1}.convs.${j}`), { padding: 1, activation: 'relu' });
      return h;
    };
    return run(convolve, [input] as const);
  };
  return (pixels) =>
    tidy(() => {
      const [, height, width] = pixels.shape;
      let h: Tensor4D = sub(mul(pixels, 255), reshape(w.get('norm'), [3]));
      const sides = depths.map((_, i) => {
        h = block(h, i);
        const side = conv2d(h, w.at(`block${i + 1}.projection`));
        return i === 0 ? side : resizeBilinear(side, height, width);
      });
      const total = sides.reduce((sum, side) => add<Tensor4D>(sum, side));
      return sigmoid(mul(total, 1 / sides.length));
    });
}
