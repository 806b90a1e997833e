import {
  add,
  argMax,
  argMin,
  cast,
  div,
  greater,
  logSoftmax,
  matMul,
  maximum,
  mul,
  neg,
  oneHot,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tidy,
} from '../tf.ts';

/**
 * Images of labels: every class has a colour, and pixels of a further colour (void, label 255) have no label and do not
 * count. In memory a label map is [N, H, W, K] of 0 and 1, one 1 a pixel, none where it has no label.
 */

/** The colour of label i in [0, 1]: the bits of i, dealt out to red, green and blue from the top. Source: PASCAL VOC 2012 */
export function labelColour(label: number): [r: number, g: number, b: number] {
  const colour: [number, number, number] = [0, 0, 0];
  for (let bit = 0; bit < 24; bit++) if ((label >> bit) & 1) colour[bit % 3]! |= 128 >> Math.floor(bit / 3);
  return colour.map((value) => value / 255) as [number, number, number];
}

/** Label map [N, H, W, K] -> image [N, H, W, 3] in [0, 1], black where a pixel has no label. The caller owns the result. */
export function drawLabels(labels: Tensor4D): Tensor4D {
  return tidy(() => {
    const [n, height, width, classes] = labels.shape;
    const rows = reshape(labels, [-1, classes]) as Tensor2D;
    return reshape(matMul(rows, palette(classes)), [n, height, width, 3]);
  });
}

/** Image [N, H, W, 3] in [0, 1] -> label map [N, H, W, classes] by the nearest colour. The caller owns the result. */
export function readLabels(image: Tensor4D, classes: number): Tensor4D {
  return tidy(() => {
    const [n, height, width] = image.shape;
    const colours = tensor2d([...colourList(classes), ...labelColour(255)], [classes + 1, 3]);
    const rows = reshape(image, [-1, 3]) as Tensor2D;
    const distances = sub(sum(square(colours), 1), mul(matMul(rows, colours, false, true), 2)); // less the pixel's own square
    const nearest = cast(oneHot(argMin(distances, 1) as Tensor1D, classes + 1), 'float32');
    return reshape(slice(nearest, [0, 0], [-1, classes]), [n, height, width, classes]);
  });
}

/** Logits [N, H, W, K] -> label map [N, H, W, K] of the most likely classes. The caller owns the result. No gradient. */
export function likeliest(logits: Tensor4D): Tensor4D {
  return tidy(() => cast(oneHot(argMax(logits, 3), logits.shape[3]), 'float32') as Tensor4D);
}

/**
 * Mean over an image's labelled pixels of -log p(label). Logits [N, H, W, K], labels [1 or N, H, W, K] -> [N], 0 and up;
 * the caller owns the result. Source: arXiv 2404.07987, its segmentation loss
 */
export function labelCrossEntropy(logits: Tensor4D, labels: Tensor4D): Tensor1D {
  return tidy(() => {
    const surprise = neg(sum(mul(logSoftmax(logits), labels), [1, 2, 3]));
    return div(surprise, maximum(sum(labels, [1, 2, 3]), 1)) as Tensor1D;
  });
}

/**
 * Mean over the classes that an image or its reference shows of |both| / |either|, among labelled pixels; 1 is perfect.
 * Label maps [N, H, W, K], reference [1 or N, H, W, K] -> [N] in [0, 1]; the caller owns the result. No gradient.
 * (The paper pools the pixels of all images before it divides; here each image has its own.)
 * Source: arXiv 2404.07987, section 4.1 (segmentation); Everingham et al. 2010, section 4.1.3
 */
export function meanIoU(labels: Tensor4D, reference: Tensor4D): Tensor1D {
  return tidy(() => {
    const counted = mul(labels, sum(reference, 3, true)); // labels where the reference has one
    const both = sum(mul(counted, reference), [1, 2]); // [N, K]
    const either = sub(add(sum(counted, [1, 2]), sum(reference, [1, 2])), both);
    const shown = cast(greater(either, 0), 'float32');
    return div(sum(div(both, maximum(either, 1)), 1), maximum(sum(shown, 1), 1)) as Tensor1D;
  });
}

function colourList(classes: number): number[] {
  return Array.from({ length: classes }, (_, label) => labelColour(label)).flat();
}

function palette(classes: number): Tensor2D {
  return tensor2d(colourList(classes), [classes, 3]);
}
