import { randomStream } from '../../nodes/ml/random.ts';
import * as tf from '../../nodes/ml/tf.ts';
import { type Weights, weightsOf } from '../../nodes/ml/weights/weights.ts';
import type { StoredTensor } from '../../nodes/ml/weights/writeSafetensors.ts';

/** Weights of those shapes (as in files: kernels OIHW) with signals of about unit size, the same every time. */
export function randomWeights(shapes: ReadonlyMap<string, readonly number[]>): {
  tensors: Map<string, tf.Tensor>;
  weights: Weights;
} {
  const tensors = new Map<string, tf.Tensor>();
  let seed = 1;
  for (const [name, shape] of shapes) {
    const fanIn = shape.slice(1).reduce((product, length) => product * length, 1);
    const inMemory = shape.length === 4 ? [shape[2], shape[3], shape[1], shape[0]] : shape;
    const isNorm = shape.length === 1 && name.endsWith('.weight');
    tensors.set(name, tf.randomNormal(inMemory as number[], isNorm ? 1 : 0, 0.7 / Math.sqrt(fanIn), 'float32', seed++));
  }
  return { tensors, weights: weightsOf(tensors) };
}

/** A file with random weights of those shapes, about as large as keeps signals alive, the same every time. */
export function randomFile(shapes: ReadonlyMap<string, readonly number[]>): Map<string, StoredTensor> {
  const random = randomStream(11);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const scale = shape.length > 1 ? 1.4 / Math.sqrt(count / shape[0]!) : 0.2;
      return [
        name,
        { dtype: 'F32', shape, values: Float32Array.from({ length: count }, () => scale * random.normal()) },
      ];
    }),
  );
}
