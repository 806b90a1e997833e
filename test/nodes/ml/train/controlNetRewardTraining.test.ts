import { beforeAll, describe, expect, it } from 'vitest';
import { createConsistency } from '../../../../nodes/ml/condition/createConsistency.ts';
import { controlNetConfig, controlNetShapes } from '../../../../nodes/ml/models/controlNet.ts';
import { unet2DCondition, unetConfig, unetShapes } from '../../../../nodes/ml/models/unet2DCondition.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import {
  clone,
  dispose,
  mean,
  squaredDifference,
  type Tensor1D,
  tidy,
  valueAndGrads,
} from '../../../../nodes/ml/tf.ts';
import { controlNetRewardTraining } from '../../../../nodes/ml/train/controlNetRewardTraining.ts';
import { controlNetJson } from '../../../../nodes/ml/train/controlNetTraining.ts';
import { layoutOf } from '../../../../nodes/ml/train/flatParameters.ts';
import { startFrom } from '../../../../nodes/ml/train/startFrom.ts';
import { type Weights, weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import type { ConditionKind } from '../../../../nodes/ml/world/conditionImage.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { parametersOf } from '../../../support/parametersOf.ts';
import { randomWeights } from '../../../support/randomWeights.ts';
import { smallUnetJson, smallWorldGenerator } from '../../../support/smallWorldGenerator.ts';

/** Sees images as they are: its loss is smooth, so differences tell its gradient. */
const asTheyAre = createConsistency(
  {
    name: 'images',
    bytes: 0,
    metric: { name: 'RMSE', best: 'lowest' },
    detect: (pixels) => clone(pixels),
    read: (condition) => clone(condition),
    draw: (seen) => clone(seen),
    loss: (seen, target) => mean(squaredDifference(seen, target), [1, 2, 3]) as Tensor1D,
    measure: (seen, target) => mean(squaredDifference(seen, target), [1, 2, 3]) as Tensor1D,
    dispose: () => {},
  },
  'map',
);

const { weights } = await openTestDevice().then(() => randomWeights(unetShapes(unetConfig(smallUnetJson))));
const generator = smallWorldGenerator(unet2DCondition(weights, unetConfig(smallUnetJson)));
const config = controlNetConfig(controlNetJson(smallUnetJson));
const layout = layoutOf(controlNetShapes(config));

const trainingWith = (lambda: number, maxTimestep: number, kinds: readonly ConditionKind[] = ['edges', 'depth']) =>
  controlNetRewardTraining(
    kinds.map((kind) => ({ kind, consistency: asTheyAre, lambda })),
    { seed: 3, batch: 4, maxTimestep },
    config,
    generator,
  );

describe('controlNetRewardTraining', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('adds to the loss of diffusion lambda times the consistency loss of the less noisy images', async () => {
    const start = await startFrom(layout, weights, randomStream(1));
    const parts = parametersOf(start, layout);
    const own = weightsOf(new Map(parts.map((part, i) => [layout[i]!.name, part])));
    const lossOf = (lambda: number, maxTimestep: number) => {
      const batch = trainingWith(lambda, maxTimestep).batch(0);
      const loss = tidy(() => batch.loss(own).dataSync()[0]!);
      batch.dispose();
      return loss;
    };
    const [plain, once, twice] = [lossOf(0, 600), lossOf(1, 600), lossOf(2, 600)];
    expect(once).toBeGreaterThan(plain + 0.01);
    expect(twice - plain).toBeCloseTo(2 * (once - plain), 5);
    expect(lossOf(1, 0)).toBe(lossOf(0, 0)); // no timestep is that small
    dispose(parts);
  });

  it('has the gradient that differences have', async () => {
    const start = await startFrom(layout, weights, randomStream(1));
    const parts = parametersOf(start, layout);
    const batch = trainingWith(3, 600).batch(0);
    const named = (values: typeof parts): Weights =>
      weightsOf(new Map(values.map((part, i) => [layout[i]!.name, part])));
    const { value, grads } = valueAndGrads((...values) => batch.loss(named(values)))(parts);
    const flat = (await Promise.all(grads.map((each) => each.data()))).flatMap((each) => [...each]);
    const length = Math.sqrt(flat.reduce((sum, each) => sum + each * each, 0));
    const lossAt = (step: number) => {
      const moved = parametersOf(
        start.map((each, i) => each + (step * flat[i]!) / length),
        layout,
      );
      const loss = tidy(() => batch.loss(named(moved)).dataSync()[0]!);
      dispose(moved);
      return loss;
    };
    const h = 1e-2;
    expect((lossAt(h) - lossAt(-h)) / (2 * h) / length).toBeCloseTo(1, 1);
    batch.dispose();
    dispose([value, ...grads, ...parts]);
  });

  it('draws the same batch of a step each time', async () => {
    const start = await startFrom(layout, weights, randomStream(1));
    const parts = parametersOf(start, layout);
    const own = weightsOf(new Map(parts.map((part, i) => [layout[i]!.name, part])));
    const lossOf = (step: number) => {
      const batch = trainingWith(1, 200).batch(step);
      const loss = tidy(() => batch.loss(own).dataSync()[0]!);
      batch.dispose();
      return loss;
    };
    expect(lossOf(5)).toBe(lossOf(5));
    expect(lossOf(5)).not.toBe(lossOf(6));
    dispose(parts);
  });
});
