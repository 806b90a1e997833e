import { UserError } from '../../errors.ts';
import type { ImageUNetConfig } from '../models/imageUNet.ts';
import type { DetectorNetwork } from '../models/load/loadDetector.ts';
import { mean, minimum, squaredDifference, sub, type Tensor1D, type Tensor4D, tidy, tile } from '../tf.ts';
import { cannyEdges, thresholdEdges } from './cannyEdges.ts';
import type { Detector, Given } from './createConsistency.ts';
import { mapRmse, nearestAtOne } from './depthMaps.ts';
import { edgeF1 } from './edgeF1.ts';
import { drawLabels, labelCrossEntropy, likeliest, meanIoU, readLabels } from './labelMaps.ts';
import { multiScaleSsim } from './multiScaleSsim.ts';

/*
 * The conditions of ControlNet++ with the loss and the metric that it has for each. Source: arXiv 2404.07987, section 3.2,
 * section 4.1, and its released training and evaluation.
 */

const ssim = { name: 'SSIM', best: 'highest' } as const;

/** Mean squared difference of maps [N, H, W, C] and [1 or N, H, W, C]: [N]. */
const squareLoss = (seen: Tensor4D, target: Tensor4D): Tensor1D =>
  tidy(() => mean(squaredDifference(seen, target), [1, 2, 3]) as Tensor1D);
const toGrey = (image: Tensor4D): Tensor4D => mean(image, 3, true);
const toRgb = (map: Tensor4D): Tensor4D => tile(map, [1, 1, 1, 3]);
const inverted = (x: Tensor4D): Tensor4D => sub(1, x);

/**
 * Canny edges, white on black. Compared with a map, gradient norms are cut off at 1, which means "edge"; compared with an
 * image they count in full, as in the paper. `low` and `high` as in `thresholdEdges`.
 */
export function cannyDetector({ low, high, given }: { low: number; high: number; given: Given }): Detector {
  const edges = (lengths: Tensor4D) => thresholdEdges(lengths, low, high);
  return {
    name: 'canny edges',
    bytes: 0,
    metric: { name: 'F1', best: 'highest' },
    detect: (pixels) => tidy(() => (given === 'map' ? minimum(cannyEdges(pixels), 1) : cannyEdges(pixels))),
    read: toGrey,
    draw: (lengths) => toRgb(edges(lengths)),
    loss: squareLoss,
    measure: (seen, target) => edgeF1(edges(seen), edges(target)),
    dispose: () => {},
  };
}

/** Soft edges, white on black. It owns the network, as all below do theirs. */
export function softEdgeDetector({ detect, bytes, dispose }: DetectorNetwork): Detector {
  const common = { bytes, detect, dispose, metric: ssim, loss: squareLoss, measure: multiScaleSsim };
  return { name: 'soft edges', ...common, read: toGrey, draw: toRgb };
}

/** Line art: the network draws dark lines on white, and a condition image has white lines on black. */
export function lineArtDetector({ detect, bytes, dispose }: DetectorNetwork): Detector {
  const common = { bytes, detect, dispose, metric: ssim, loss: squareLoss, measure: multiScaleSsim };
  return {
    name: 'line art',
    ...common,
    read: (condition) => inverted(toGrey(condition)),
    draw: (drawing) => toRgb(inverted(drawing)),
  };
}

/** Inverse depth, white nearest; every map is divided by its own largest value. Throws UserError `UNSUPPORTED`. */
export function depthDetector(network: DetectorNetwork & { readonly config: ImageUNetConfig }): Detector {
  requireTask(network, 'depth');
  return {
    name: 'depth',
    bytes: network.bytes,
    metric: { name: 'RMSE', best: 'lowest' },
    detect: (pixels) => tidy(() => nearestAtOne(network.detect(pixels))),
    read: (condition) => nearestAtOne(toGrey(condition)),
    draw: toRgb,
    loss: squareLoss,
    measure: mapRmse,
    dispose: () => network.dispose(),
  };
}

/** Classes in the colours of PASCAL VOC. Throws UserError `UNSUPPORTED`. */
export function segmentationDetector(network: DetectorNetwork & { readonly config: ImageUNetConfig }): Detector {
  requireTask(network, 'segmentation');
  return {
    name: 'segmentation',
    bytes: network.bytes,
    metric: { name: 'mIoU', best: 'highest' },
    detect: (pixels) => network.detect(pixels),
    settle: likeliest,
    read: (condition) => readLabels(condition, network.config.out_channels),
    draw: (logits) => drawLabels(likeliest(logits)),
    loss: labelCrossEntropy,
    measure: (logits, target) => meanIoU(likeliest(logits), target),
    dispose: () => network.dispose(),
  };
}

/** Frees and refuses a network of another task. Throws UserError `UNSUPPORTED`. */
function requireTask(
  { name, config, dispose }: DetectorNetwork & { readonly config: ImageUNetConfig },
  task: ImageUNetConfig['task'],
): void {
  if (config.task === task) return;
  dispose();
  throw new UserError('UNSUPPORTED', `"${name}" was trained for ${config.task}, not for ${task}; load another model.`, {
    at: { param: 'model' },
  });
}
