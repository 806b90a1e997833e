import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runTraining, type TrainingRun } from '../../../electron/training/runTraining.ts';
import type { TrainingState } from '../../../nodes/ml/train/trainingState.ts';
import type { Training } from '../../../nodes/ml/train/trainStep.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles } from '../../support/golden.ts';
import { lineRun, lineTraining } from '../../support/lineTraining.ts';

describe('runTraining', () => {
  let folder: string;
  beforeAll(openTestDevice);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'noiseloom-training-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  guardLeaks();

  const run = (fields: Partial<TrainingRun>, training = lineTraining): Promise<TrainingState> =>
    runTraining(training, { ...lineRun, folder, ...fields }, diskFiles);

  it('learns, and its moving average with it', async () => {
    const state = await run({});
    for (const [i, expected] of [2, -1, 0.5].entries()) expect(state.optimiser.average[i]).toBeCloseTo(expected, 2);
    expect(state.losses).toHaveLength(300);
    expect(state.losses.at(-1)).toBeLessThan(1e-3);
  });

  it('gives the same losses when it is interrupted and resumed', async () => {
    const whole = await run({ steps: 40 });
    await rm(join(folder, 'training.safetensors'));
    const controller = new AbortController();
    const part = await run({
      steps: 40,
      signal: controller.signal,
      onStep: (step) => step === 17 && controller.abort(),
    });
    expect(part.losses).toHaveLength(17);
    const rest = await run({ steps: 40 });
    expect(rest.losses).toEqual(whole.losses.map(Math.fround));
  });

  it('refuses the checkpoint of another training and keeps it', async () => {
    await run({ steps: 2 });
    await expect(run({ steps: 4, identity: 'circle' })).rejects.toMatchObject({ code: 'FOREIGN_CHECKPOINT' });
    const state = await run({ steps: 3 });
    expect(state.losses).toHaveLength(3);
  });

  it('refuses a checkpoint of as many steps but other parameters', async () => {
    await run({ steps: 2 });
    const wider: Training = { ...lineTraining, layout: [...lineTraining.layout, { name: 'more.bias', shape: [3] }] };
    await expect(run({ steps: 4 }, wider)).rejects.toMatchObject({
      code: 'FOREIGN_CHECKPOINT',
      message: expect.stringContaining('holds 3 parameters, and this training has 6'),
    });
  });

  it('draws the curve of the losses beside the checkpoint', async () => {
    await run({ steps: 5 });
    expect(await readFile(join(folder, 'loss.svg'), 'utf8')).toContain('<title>Loss of 5 steps</title>');
  });

  it('says so where a checkpoint cannot be written, and keeps the one before', async () => {
    await run({ steps: 3 });
    const before = await readFile(join(folder, 'training.safetensors'));
    await rm(join(folder, 'loss.svg'));
    await mkdir(join(folder, 'loss.svg')); // no file can take its place
    await expect(run({ steps: 3 })).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('step 3 cannot be written'),
    });
    expect(await readFile(join(folder, 'training.safetensors'))).toEqual(before);
  });
});
