import { beforeAll, describe, expect, it } from 'vitest';
import type { RowResult, Snapshot } from '../../../../nodes/ml/optimise/rowState.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { dispose, scalar, type Tensor4D, tensor4d } from '../../../../nodes/ml/tf.ts';
import { addStarts, keepBestStarts, SEED_STRIDE } from '../../../../nodes/optimise/shared/starts.ts';
import type { SampleRequest } from '../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

describe('starts', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('are the given noise and plain noise of seeds far from it, with prompts and condition images in step', async () => {
    const latents = tensor4d([...Array(8).keys()], [2, 2, 2, 1]);
    const image = tensor4d([0, 1], [2, 1, 1, 1]);
    const settings = { scheduler: 'euler', steps: 1, guidanceScale: 1, eta: 0 };
    const own: SampleRequest = {
      ...{ noise: { latents, seeds: [5, 2 ** 53 - 1] }, prompts: ['a', 'b'], negativePrompt: '', settings },
      conditions: [{ controlnet: {} as never, image, scale: 1, start: 0, end: 1 }],
    };
    const { request, tensors } = addStarts(own, 2);
    expect(request.noise.seeds).toEqual([5, 5 + SEED_STRIDE, 2 ** 53 - 1, SEED_STRIDE - 1]);
    expect(request.prompts).toEqual(['a', 'a', 'b', 'b']);
    expect([...(await request.conditions[0]!.image.data())]).toEqual([0, 0, 1, 1]);
    const plain = latentNoise([5 + SEED_STRIDE, SEED_STRIDE - 1], [2, 2, 1]);
    const [drawn, expected] = [await request.noise.latents.data(), await plain.data()];
    expect([...drawn]).toEqual([0, 1, 2, 3, ...expected.slice(0, 4), 4, 5, 6, 7, ...expected.slice(4)]);
    expect(drawn.slice(4, 8)).not.toEqual(drawn.slice(12));
    expect(addStarts(own, 1)).toEqual({ request: own, tensors: [] });
    dispose([latents, image, plain, ...tensors]);
  });

  it('leave the best of each group with the first image of its first, and dispose of the rest', () => {
    const snapshot = (total: number): Snapshot => ({
      ...{ evaluation: 0, total, scores: [total], watched: [] },
      ...{ variable: scalar(total), pixels: tensor4d([total], [1, 1, 1, 1]) as Tensor4D },
    });
    const rows = [1, 3, 2, 6, 6, 4].map(
      (total): RowResult => ({
        first: snapshot(total / 10),
        best: snapshot(total),
        trace: [[total]],
        remarks: [],
        hacks: false,
      }),
    );
    const { rows: kept, chosen } = keepBestStarts(rows, 3);
    expect(chosen).toEqual([1, 3]); // of equals the earlier
    expect(kept.map(({ first, best, trace }) => [first.total, best.total, trace])).toEqual([
      [0.1, 3, [[3]]],
      [0.6, 6, [[6]]],
    ]);
    for (const { first, best } of kept) dispose([first.variable, first.pixels, best.variable, best.pixels]);
  });
});
