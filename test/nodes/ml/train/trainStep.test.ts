import { beforeAll, describe, expect, it } from 'vitest';
import { mean, square } from '../../../../nodes/ml/tf.ts';
import { startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, fromDevice, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { type Training, trainStep } from '../../../../nodes/ml/train/trainStep.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { lineRun } from '../../../support/lineTraining.ts';

const settings = { ...lineRun.optimiser, clipNorm: 1 };

describe('trainStep', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('leaves parameters alone that the batch does not train', async () => {
    const training: Training = {
      layout: [
        { name: 'still', shape: [2] },
        { name: 'moving', shape: [3] },
      ],
      batch: () => ({
        loss: (weights) => mean(square(weights.get('moving'))),
        trains: (name) => name === 'moving',
        dispose: () => {},
      }),
      dispose: () => {},
    };
    const state = toDevice(startAdamW(Float32Array.of(1, 2, 3, -4, 5)), training.layout);
    expect(await trainStep(training, state, settings)).toBeCloseTo(50 / 3, 4);
    const { parameters } = await fromDevice(state);
    for (const [i, value] of [1, 2, 2.9, -3.9, 4.9].entries()) expect(parameters[i]).toBeCloseTo(value, 4);
    disposeAdamW(state);
  });

  it('says so when the loss is no number, and leaves the state as it was', async () => {
    const training: Training = {
      layout: [{ name: 'a', shape: [1] }],
      batch: () => ({ loss: (weights) => mean(square(weights.get('a'))), dispose: () => {} }),
      dispose: () => {},
    };
    const state = toDevice(startAdamW(Float32Array.of(Number.NaN)), training.layout);
    await expect(trainStep(training, state, settings)).rejects.toMatchObject({ code: 'NOT_FINITE' });
    expect(state.step).toBe(0);
    disposeAdamW(state);
  });
});
