import { beforeAll, describe, expect, it } from 'vitest';
import { promptMix } from '../../../../nodes/ml/models/promptMix.ts';
import { scheduleA1111, splitAnd } from '../../../../nodes/ml/text/scheduleA1111.ts';
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
    const mix = promptMix(asked, 1);
    expect(mix.blocks.flatMap(({ textsAt }) => textsAt(0)).join('')).toBe(prompts);
    expect(mix.blocks.flatMap(({ negative }) => [negative, negative])).toEqual(
      [...prompts].map((prompt) => prompt === 'n'),
    );
    expect(mix.blocks.length).toBe(prompts.length / 2);
    const answers = tensor4d(
      Array.from(prompts, (_, i) => 10 * (i + 1)),
      [prompts.length, 1, 1, 1],
    );
    const result = tidy(() => mix.join(answers).clone());
    const values = await result.data();
    for (const [i, value] of mixed.entries()) expect(values[i]).toBeCloseTo(value, 3);
    dispose([asked.noise.latents, answers, result]);
  });

  const a1111 = { split: splitAnd, schedule: scheduleA1111 };

  it('gives each part that AND joins its weight times the guidance scale', async () => {
    const asked = { ...request(3), prompts: ['c AND e :0.5'] };
    const mix = promptMix(asked, 4, a1111);
    expect(mix.blocks.map(({ textsAt }) => textsAt(0).join())).toEqual(['n,n', 'c,c', ' e, e']);
    const answers = tensor4d([10, 20, 30, 40, 50, 60], [6, 1, 1, 1]);
    const result = tidy(() => mix.join(answers).clone());
    expect([...(await result.data())]).toEqual([10 + 3 * 20 + 1.5 * 40, 20 + 3 * 20 + 1.5 * 40]);
    dispose([asked.noise.latents, answers, result]);
  });

  it('lets prompts change from step to step, also the negative one, which joins nothing', () => {
    const asked = { ...request(3), prompts: ['[c:d:2]'], negativePrompt: '[n|m] AND o' };
    const { blocks } = promptMix(asked, 5, a1111);
    const texts = [0, 1, 2, 3, 4].map((step) => blocks.map(({ textsAt }) => textsAt(step)[0]));
    expect(texts).toEqual([
      ['n AND o', 'c'],
      ['n AND o', 'c'],
      ['m AND o', 'c'],
      ['n AND o', 'd'],
      ['m AND o', 'd'],
    ]);
    asked.noise.latents.dispose();
  });

  it('refuses a batch whose prompts join others with other weights', () => {
    const asked = { ...request(3), prompts: ['a AND b', 'a AND b :2'] };
    expect(() => promptMix(asked, 1, a1111)).toThrow('not all with the same weights');
    asked.noise.latents.dispose();
  });
});
