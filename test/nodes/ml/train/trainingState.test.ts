import { describe, expect, it } from 'vitest';
import { startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { readTrainingState, writeTrainingState } from '../../../../nodes/ml/train/trainingState.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const state = { optimiser: { ...startAdamW(Float32Array.of(1, 2, 3)), step: 2 }, losses: [0.5, 0.25] };
const read = async (optimiser: object = {}) => {
  const bytes = writeTrainingState({ ...state, optimiser: { ...state.optimiser, ...optimiser } }, 'circle');
  const checkpoint = await openCheckpoint(memoryFiles({ 'a.safetensors': bytes }), 'a.safetensors');
  return readTrainingState(checkpoint, 'circle', 3);
};

describe('the state of a training', () => {
  it('is read as it was written', async () => {
    expect(await read()).toEqual(state);
  });

  it.each([
    ['m', new Float32Array(2), '"m" is float32 [2], where a training has float32 [3]'],
    ['average', new Float32Array(4), '"average" is float32 [4], where a training has float32 [3]'],
    ['step', Number.NaN, 'its step is "NaN"'],
    ['step', -1, 'its step is "-1"'],
  ])('is refused with another %s', async (name, value, message) => {
    await expect(read({ [name]: value })).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining(message),
    });
  });
});
