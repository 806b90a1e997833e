import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { padEdges } from '../nn/padEdges.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { add, conv2dTranspose, ones, relu, sigmoid, slice, type Tensor4D, tidy, zeros } from '../tf.ts';
import type { Checkpoint } from '../weights/checkpoint.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { addConvShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';

interface LineDrawingConfig {
  /** Channels at full size; twice as many at each of the two halvings. */
  readonly width: number;
  /** Residual blocks at a quarter of the size. */
  readonly blocks: number;
}

/** What the checkpoint holds; the published one's where it is something else. */
export function lineDrawingConfig(checkpoint: Checkpoint): LineDrawingConfig {
  const first = 'model0.1.weight';
  const blocks = checkpoint.names().filter((name) => /^model2\.\d+\.conv_block\.1\.weight$/.test(name)).length;
  return { width: checkpoint.has(first) ? (checkpoint.entry(first).shape[0] ?? 64) : 64, blocks: blocks || 3 };
}

/** Names and shapes of the weights, as in the published model.pth (sk_model.pth of lllyasviel/Annotators). */
export function lineDrawingShapes({ width, blocks }: LineDrawingConfig): Shapes {
  const shapes: Shapes = new Map();
  addConvShapes(shapes, 'model0.1', 3, width, 7);
  addConvShapes(shapes, 'model1.0', width, 2 * width, 3);
  addConvShapes(shapes, 'model1.3', 2 * width, 4 * width, 3);
  for (let i = 0; i < blocks; i++)
    for (const layer of [1, 5]) addConvShapes(shapes, `model2.${i}.conv_block.${layer}`, 4 * width, 4 * width, 3);
  for (const [name, from] of [
    ['model3.0', 4 * width],
    ['model3.3', 2 * width],
  ] as const)
    shapes.set(`${name}.weight`, [from, from / 2, 3, 3]).set(`${name}.bias`, [from / 2]); // transposed: [in, out, kh, kw]
  addConvShapes(shapes, 'model4.1', width, 1, 7);
  return shapes;
}

/**
 * The line drawing of an image: 7x7 convolution, two halvings, residual blocks, two doublings, 7x7 convolution and a
 * sigmoid, with instance normalisation between.
 * pixels [N, H, W, 3] in [0, 1], sides multiples of 4 and at least 8 -> [N, H, W, 1] in (0, 1): dark lines on white. The
 * caller owns the result. Source: arXiv 2203.12691 (Informative Drawings), section 3; carolineec/informative-drawings
 */
export function lineDrawing(
  w: Weights,
  { blocks }: LineDrawingConfig,
  memory: MemoryOptions = {},
): (pixels: Tensor4D) => Tensor4D {
  const run = memory.recompute ? recompute : plainly;
  const convolve = (x: Tensor4D, name: string, pad: number) => conv2d(padEdges(x, pad, 'reflect'), w.at(name));
  const halve = (x: Tensor4D, name: string) =>
    relu(instanceNorm(conv2d(x, w.at(name), { stride: 2, padding: 1 }))) as Tensor4D;
  const block = (x: Tensor4D, i: number): Tensor4D => {
    const name = `model2.${i}.conv_block`;
    const h = relu(instanceNorm(convolve(x, `${name}.1`, 1))) as Tensor4D;
    return residual(x, instanceNorm(convolve(h, `${name}.5`, 1)));
  };
  const steps: ((x: Tensor4D) => Tensor4D)[] = [
    (x) => relu(instanceNorm(convolve(x, 'model0.1', 3))),
    (x) => halve(x, 'model1.0'),
    (x) => halve(x, 'model1.3'),
    ...Array.from({ length: blocks }, (_, i) => (x: Tensor4D) => block(x, i)),
    (x) => relu(instanceNorm(double(x, w.at('model3.0')))),
    (x) => relu(instanceNorm(double(x, w.at('model3.3')))),
    (x) => sigmoid(convolve(x, 'model4.1', 3)),
  ];
  return (pixels) => tidy(() => steps.reduce((x, step) => run(step, [x] as const), pixels));
}

/** Every channel of every image gets mean 0 and variance 1. Source: arXiv 1607.08022, equation 4 */
function instanceNorm(x: Tensor4D): Tensor4D {
  const channels = x.shape[3];
  const unit = new Map([
    ['weight', ones([channels])],
    ['bias', zeros([channels])],
  ]);
  return groupNorm(x, weightsOf(unit), channels, 1e-5);
}

/**
 * The transpose of a 3x3 convolution of stride 2 with one row and column of zeros above and to the left, as PyTorch's
 * ConvTranspose2d(3, stride=2, padding=1, output_padding=1): [N, h, w, C] -> [N, 2 h, 2 w, D].
 */
function double(x: Tensor4D, w: Weights): Tensor4D {
  const [n, h, width] = x.shape;
  const filter = w.get('weight') as Tensor4D; // [3, 3, D, C] in memory
  const outputs = filter.shape[2];
  const framed = conv2dTranspose(x, filter, [n, 2 * h + 1, 2 * width + 1, outputs], 2, 'valid');
  return add(slice(framed, [0, 1, 1, 0], [n, 2 * h, 2 * width, outputs]), w.get('bias'));
}
