import { expect, it } from 'vitest';
import { mapRmse, nearestAtOne } from '../../../../nodes/ml/condition/depthMaps.ts';
import { edgeF1 } from '../../../../nodes/ml/condition/edgeF1.ts';
import * as labels from '../../../../nodes/ml/condition/labelMaps.ts';
import { multiScaleSsim } from '../../../../nodes/ml/condition/multiScaleSsim.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import * as plain from '../../../support/plainLayers.ts';

const read = async (compute: () => tf.Tensor): Promise<number[]> => {
  const result = tf.tidy(compute);
  const values = [...(await result.data())];
  result.dispose();
  return values;
};
const map = (values: readonly number[], width: number, channels = 1) =>
  tf.tensor4d([...values], [1, values.length / width / channels, width, channels]);

await describeOnDevices('metrics of conditions', () => {
  guardLeaks();

  it('F1 counts hits, false edges and misses', async () => {
    const scores = await read(() =>
      edgeF1(
        tf.concat([map([1, 1, 1, 0, 0, 0], 3), map([0, 0, 0, 0, 0, 0], 3), map([1, 0, 0, 1, 1, 0], 3)], 0),
        map([1, 0, 0, 1, 1, 0], 3),
      ),
    );
    expect(scores.map((x) => x.toFixed(5))).toEqual(['0.33333', '0.00000', '1.00000']); // TP 1, FP 2, FN 2
    expect(await read(() => edgeF1(map([0, 0], 2), map([0, 0], 2)))).toEqual([1]);
  });

  it('RMSE on 255 is that of hand, after each map is divided by its largest value', async () => {
    const [score] = await read(() => mapRmse(nearestAtOne(map([1, 2, 4, 0], 2)), nearestAtOne(map([2, 2, 1, 0], 2))));
    expect(score).toBeCloseTo(255 * Math.sqrt((0.75 ** 2 + 0.5 ** 2 + 0.5 ** 2) / 4), 3);
    expect(await read(() => nearestAtOne(map([0, 0], 2)))).toEqual([0, 0]);
  });

  it('SSIM on several scales is the formula of Wang et al. written out in double precision', async () => {
    const random = randomStream(2);
    const [height, width] = [44, 52];
    const one = plain.plane(height, width, 1, (y, x) => 0.5 + 0.4 * Math.sin(x / 5) * Math.cos(y / 4));
    const two = plain.mapped(one, (value) => Math.min(1, Math.max(0, value + 0.1 * random.normal())));
    const [same, apart] = await read(() =>
      multiScaleSsim(
        tf.concat([
          tf.tensor4d([...one.values], [1, height, width, 1]),
          tf.tensor4d([...two.values], [1, height, width, 1]),
        ]),
        tf.tensor4d([...one.values], [1, height, width, 1]),
      ),
    );
    expect(same).toBeCloseTo(1, 4);
    expect(apart).toBeCloseTo(plainSsim(two, one), 3);
    expect(apart).toBeLessThan(0.98);
    expect(() => tf.tidy(() => multiScaleSsim(map([0, 1], 2), map([0, 1], 2)))).toThrow(/needs maps of 11x11/);
  });

  it('labels have the colours of PASCAL VOC and come back from them', async () => {
    expect([0, 1, 2, 3, 15, 255].map((i) => labels.labelColour(i).map((x) => Math.round(255 * x)))).toEqual([
      [0, 0, 0],
      [128, 0, 0],
      [0, 128, 0],
      [128, 128, 0],
      [192, 128, 128],
      [224, 224, 192],
    ]);
    const dealt = Array.from({ length: 21 * 2 }, (_, i) => (i * 5) % 21);
    const back = await read(() => {
      const drawn = labels.drawLabels(
        tf.cast(tf.oneHot(tf.tensor3d(dealt, [1, 6, 7], 'int32'), 21), 'float32') as tf.Tensor4D,
      );
      return tf.argMax(labels.readLabels(tf.add(drawn, 0.05), 21), 3);
    });
    expect(back).toEqual(dealt);
    const none = await read(() => tf.sum(labels.readLabels(map(labels.labelColour(255), 1, 3), 21)));
    expect(none).toEqual([0]);
  });

  it('cross-entropy and mean IoU count labelled pixels only', async () => {
    const logits = [2, 0, 1, 0, 3, 0, 0, 0, 0, 1, 0, 4]; // three classes, pixels say 0, 1, none, 2
    const truth = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]; // 0, 2, no label, 2
    const logP = (row: number[], k: number) => row[k]! - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    const expected = -(logP([2, 0, 1], 0) + logP([0, 3, 0], 2) + logP([1, 0, 4], 2)) / 3;
    const [loss] = await read(() => labels.labelCrossEntropy(map(logits, 2, 3), map(truth, 2, 3)));
    expect(loss).toBeCloseTo(expected, 5);
    // class 0: 1 of 1, class 1: 0 of 1, class 2: 1 of 2; the pixel without a label counts for nothing.
    const [iou] = await read(() => labels.meanIoU(labels.likeliest(map(logits, 2, 3)), map(truth, 2, 3)));
    expect(iou).toBeCloseTo((1 + 0 + 0.5) / 3, 6);
  });
});

/** Equation 7 of the paper with as many scales as fit, by loops. */
function plainSsim(a: plain.Plane, b: plain.Plane): number {
  const weights = [0.0448, 0.2856, 0.3001]; // 44 pixels fit three windows of 11, at 44, 22 and 11
  const total = weights.reduce((sum, weight) => sum + weight);
  const gauss = Array.from({ length: 121 }, (_, i) =>
    Math.exp(-(((i % 11) - 5) ** 2 + (Math.floor(i / 11) - 5) ** 2) / (2 * 1.5 ** 2)),
  );
  const norm = gauss.reduce((sum, g) => sum + g);
  let [x, y, product] = [a, b, 1];
  for (const [scale, weight] of weights.entries()) {
    let [sum, places] = [0, 0];
    for (let top = 0; top + 11 <= x.height; top++)
      for (let left = 0; left + 11 <= x.width; left++) {
        const under = (f: (p: number, q: number) => number) =>
          gauss.reduce((acc, g, i) => {
            const [row, column] = [top + Math.floor(i / 11), left + (i % 11)];
            return acc + (g / norm) * f(plain.valueAt(x, row, column, 0), plain.valueAt(y, row, column, 0));
          }, 0);
        const [mx, my] = [under((p) => p), under((_, q) => q)];
        const [vx, vy] = [under((p) => (p - mx) ** 2), under((_, q) => (q - my) ** 2)];
        const cov = under((p, q) => (p - mx) * (q - my));
        const l = (2 * mx * my + 1e-4) / (mx ** 2 + my ** 2 + 1e-4);
        const cs = (2 * cov + 9e-4) / (vx + vy + 9e-4);
        sum += scale === weights.length - 1 ? l * cs : cs;
        places++;
      }
    product *= Math.max(0, sum / places) ** (weight / total);
    [x, y] = [halved(x), halved(y)];
  }
  return product;
}

const halved = (p: plain.Plane): plain.Plane =>
  plain.plane(p.height >> 1, p.width >> 1, 1, (y, x) =>
    [0, 1, 2, 3].reduce((sum, i) => sum + plain.valueAt(p, 2 * y + (i >> 1), 2 * x + (i & 1), 0) / 4, 0),
  );
