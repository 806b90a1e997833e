import type { TrainingRun } from '../../electron/training/runTraining.ts';
import { linear } from '../../nodes/ml/nn/linear.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { dispose, mean, type Scalar, squaredDifference, tensor2d } from '../../nodes/ml/tf.ts';
import type { Training } from '../../nodes/ml/train/trainStep.ts';

/** y = 2 x1 - x2 + 0.5 from eight random points a step. */
export const lineTraining: Training = {
  layout: [
    { name: 'line.weight', shape: [1, 2] },
    { name: 'line.bias', shape: [1] },
  ],
  batch(step) {
    const random = randomStream(1000 + step);
    const points = Array.from({ length: 8 }, () => [random.normal(), random.normal()] as [number, number]);
    const x = tensor2d(points);
    const y = tensor2d(points.map(([a, b]) => [2 * a - b + 0.5]));
    return {
      loss: (weights) => mean(squaredDifference(linear(x, weights.at('line')), y)) as Scalar,
      dispose: () => dispose([x, y]),
    };
  },
  dispose: () => {},
};

/** How it learns within 300 steps; checkpoints only at the end. */
export const lineRun: Omit<TrainingRun, 'folder'> = {
  identity: 'line',
  seed: 3,
  steps: 300,
  warmUp: 10,
  optimiser: {
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: 10,
    averageDecay: 0.9,
  },
  saveEvery: 3600,
  signal: new AbortController().signal,
  onStep: () => {},
};
