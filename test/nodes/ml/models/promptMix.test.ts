import { beforeAll, describe, expect, it } from 'vitest';
import { promptMix } from '../../../../nodes/ml/models/promptMix.ts';
import { dispose, type Tensor4D, tensor4d, tidy, zeros } from '../../../../nodes/ml/tf.ts';
import type { SampleRequest } from '../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

/** A request for two images. */
function request(guidanceScale: number, expanded?: SampleRequest['expanded']): SampleRequest {
  const latents = zeros([2, 1, 1, 1]) as Tensor4D;
  const settings = { scheduler: 'euler', steps: 1, guidanceScale, eta: 0 };
  const common = { noise: { latents, seeds: [1, 2] }, prompts: ['c'], negativePrompt: 'n', settings, conditions: [] };
  return expanded ? { ...common, expanded } : common;
}

describe('promptMix', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it.each<[string, number, SampleRequest['expanded'], string, number[]]>([
    ['no guidance', 1, undefined, 'cc', [10, 20]],
    ['turbo writes no guidance as 0', 0, undefined, 'cc', [10, 20]],
    ['guidance 3', 3, undefined, 'nncc', [10 + 3 * (30 - 10), 20 + 3 * (40 - 20)]],
    [
      'original and expanded prompt, weights 5 and 5',
      3,
      { prompt: 'e', originalWeight: 5, expandedWeight: 5 },
      'nnccee',
      [5 * 30 - 9 * 10 + 5 * 50, 5 * 40 - 9 * 20 + 5 * 60],
    ],
    [
      'weights that sum to 1 need no negative prompt',
      1,
      { prompt: 'e', originalWeight: 0.7, expandedWeight: 0.3 },
      'ccee',
      [0.7 * 10 + 0.3 * 30, 0.7 * 20 + 0.3 * 40],
    ],
  ])('%s', async (_name, scale, expanded, prompts, mixed) => {
    const asked = request(scale, expanded);
    const mix = promptMix(asked);
    expect(mix.rows.map(({ prompt }) => prompt).join('')).toBe(prompts);
    expect(mix.rows.map(({ negative }) => negative)).toEqual([...prompts].map((prompt) => prompt === 'n'));
    expect(mix.blocks).toBe(prompts.length / 2);
    const answers = tensor4d(
      Array.from(prompts, (_, i) => 10 * (i + 1)),
      [prompts.length, 1, 1, 1],
    );
    const result = tidy(() => mix.join(answers).clone());
    const values = await result.data();
    for (const [i, value] of mixed.entries()) expect(values[i]).toBeCloseTo(value, 3);
    dispose([asked.noise.latents, answers, result]);
  });
});
