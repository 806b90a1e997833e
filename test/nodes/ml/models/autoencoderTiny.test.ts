import { beforeAll, describe, expect, it } from 'vitest';
import { decodeTiny, encodeTiny } from '../../../../nodes/ml/models/autoencoderTiny.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

/** Random weights with the names and the order of layers of a decoder whose blocks have every branch there is. */
function decoderWeights(): Map<string, tf.Tensor> {
  let seed = 1;
  const make = (shape: number[]) => tf.randomNormal(shape, 0, 0.3, 'float32', seed++);
  const conv = (name: string, size: number, from: number, to: number, bias = true): [string, tf.Tensor][] => [
    [`${name}.weight`, make([size, size, from, to])],
    ...(bias ? [[`${name}.bias`, make([to])] as [string, tf.Tensor]] : []),
  ];
  return new Map([
    ...conv('1', 3, 4, 8),
    ...conv('3.conv.0', 3, 8, 8),
    ...conv('3.conv.2', 3, 8, 8),
    ...conv('3.conv.4', 3, 8, 8),
    ...conv('3.pool.0', 1, 8, 8, false),
    ['3.pool.1.weight', make([8])],
    ['3.pool.1.bias', make([8])],
    ...conv('3.pool.3', 1, 8, 8, false),
    ...conv('5', 3, 8, 8, false),
    ...conv('10.conv.0', 3, 8, 6),
    ...conv('10.conv.2', 3, 6, 6),
    ...conv('10.conv.4', 3, 6, 6),
    ...conv('10.skip', 1, 8, 6, false),
    ...conv('11', 3, 6, 3),
  ]);
}

describe('decodeTiny', () => {
  let tensors: Map<string, tf.Tensor>;
  guardLeaks();
  beforeAll(async () => {
    await openTestDevice();
    tensors = decoderWeights();
  });

  it('gives the same images and gradients with and without recomputing', async () => {
    const latents = tf.randomNormal([2, 3, 4, 4], 0, 1, 'float32', 99) as tf.Tensor4D;
    const w = weightsOf(tensors);
    const run = (recompute: boolean) =>
      tf.valueAndGrad((x: tf.Tensor) => tf.sum(tf.square(decodeTiny(x as tf.Tensor4D, w, { recompute }))))(latents);
    const [plain, again] = [run(false), run(true)];
    expect(plain.grad.shape).toEqual([2, 3, 4, 4]);
    expect((await plain.value.data())[0]).toBeGreaterThan(0);
    expect(await again.value.data()).toEqual(await plain.value.data());
    expect(await again.grad.data()).toEqual(await plain.grad.data());
    const image = decodeTiny(latents, w);
    expect(image.shape).toEqual([2, 6, 8, 3]);
    tf.dispose([latents, plain, again, image]);
  });

  it('has the gradient of its finite differences', async () => {
    const w = weightsOf(tensors);
    const latents = tf.randomNormal([1, 2, 2, 4], 0, 1, 'float32', 7) as tf.Tensor4D;
    const direction = tf.randomNormal([1, 2, 2, 4], 0, 1, 'float32', 8) as tf.Tensor4D;
    const loss = (x: tf.Tensor) => tf.mean(decodeTiny(x as tf.Tensor4D, w));
    const step = 1e-3;
    const slopes = tf.tidy(() => {
      const at = (t: number) => loss(tf.add(latents, tf.mul(direction, t)));
      const difference = tf.div(tf.sub(at(step), at(-step)), 2 * step);
      return tf.stack([tf.sum(tf.mul(tf.grad(loss)(latents), direction)), difference]);
    });
    const [slope, difference] = (await slopes.data()) as unknown as [number, number];
    expect(Math.abs(slope - difference)).toBeLessThan(0.02 * Math.abs(slope));
    tf.dispose([latents, direction, slopes]);
  });

  it('orders layers by number, not by text, and refuses weights of something else', () => {
    const reversed = new Map([...tensors].reverse());
    const latents = tf.ones([1, 2, 2, 4]) as tf.Tensor4D;
    const [one, other] = [decodeTiny(latents, weightsOf(tensors)), decodeTiny(latents, weightsOf(reversed))];
    expect(other.dataSync()).toEqual(one.dataSync());
    tf.dispose([latents, one, other]);
    expect(() => encodeTiny(latents, weightsOf(new Map()))).toThrow(/no numbered layers/);
  });
});
