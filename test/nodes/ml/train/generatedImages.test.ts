import { beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { mul, oneHot, reshape, type Tensor4D, tensor1d, tensor2d, tensor4d, tidy } from '../../../../nodes/ml/tf.ts';
import { startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { clipTraining } from '../../../../nodes/ml/train/clipTraining.ts';
import {
  type GeneratedWorld,
  generatedGroups,
  pairSurprise,
  pairWeights,
} from '../../../../nodes/ml/train/generatedImages.ts';
import { initialise } from '../../../../nodes/ml/train/initialise.ts';
import { preferenceTraining } from '../../../../nodes/ml/train/preferenceTraining.ts';
import { trainStep } from '../../../../nodes/ml/train/trainStep.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

/** Draws a red square in every other image, grey in the rest; the network says "square" where it is red. */
function squares(): GeneratedWorld & { drawn(): number } {
  let count = 0;
  const side = (pixel: number) => Math.max(Math.abs((pixel % 64) - 32), Math.abs(Math.floor(pixel / 64) - 32));
  return {
    drawn: () => count,
    draw(prompts) {
      count += prompts.length;
      const values = Float32Array.from({ length: prompts.length * 64 * 64 * 3 }, (_, i) => {
        const [image, pixel, channel] = [Math.floor(i / (64 * 64 * 3)), Math.floor(i / 3) % (64 * 64), i % 3];
        return image % 2 === 0 && side(pixel) < 12 ? [0.86, 0.16, 0.16][channel]! : 0.55;
      });
      return tensor4d(values, [prompts.length, 64, 64, 3]);
    },
    segment: (pixels) =>
      tidy(() => {
        const red = Array.from(pixels.dataSync().filter((_, i) => i % 3 === 0));
        const names = tensor1d(
          red.map((value) => (value > 0.7 ? 2 : 0)),
          'int32',
        );
        return reshape(mul(oneHot(names, 7), 20), [pixels.shape[0], 64, 64, 7]) as Tensor4D;
      }),
  };
}

describe('images that a generator made, to be ranked', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('come with a false twin of each prompt, and satisfy what asks for what is seen in them', () => {
    const { prompts, images, satisfied } = generatedGroups(squares(), 1, 6, 2)(0);
    expect([prompts.length, images.length, satisfied.length]).toEqual([12, 12, 12]);
    for (let i = 0; i < 6; i++) expect(prompts[i + 6]).not.toBe(prompts[i]);
    for (const [i, prompt] of prompts.entries())
      if (/^(a photo of )?a (red )?square\b/.test(prompt) && !/ (and|of|above|below) a/.test(prompt))
        expect(satisfied[i]![0]! - satisfied[i]![1]!).toBeGreaterThan(0.9);
    for (const row of satisfied) for (const value of row) expect(value >= 0 && value <= 1).toBe(true);
  });

  it('are drawn once, from the step alone, and shown in another view each time round', () => {
    const world = squares();
    const groupOf = generatedGroups(world, 1, 2, 2);
    const [first, again] = [groupOf(3), groupOf(2051)];
    expect(world.drawn()).toBe(4);
    expect(again.satisfied).toEqual(first.satisfied);
    expect(again.images[0]).not.toEqual(first.images[0]);
    expect(generatedGroups(squares(), 1, 2, 2)(2051).images).toEqual(again.images);
    expect(groupOf(4).prompts).not.toEqual(first.prompts);
  });

  it('weigh pairs drawn for their prompt as much as all others, by P(a before b), and ties not at all', () => {
    const satisfied = [
      [1, 0.9, 0.2, 0.2],
      [0, 0, 0.5, 1],
    ];
    const weights = pairWeights(satisfied, 2);
    const at = weights.arraySync();
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    // Own pairs: 0 and 1 for the first prompt, 2 and 3 for the second, both ways round.
    expect(at[0]![0]![1]).toBeCloseTo(sigmoid(1) / 4, 6);
    expect(at[0]![1]![0]).toBeCloseTo(sigmoid(-1) / 4, 6);
    expect(at[1]![3]![2]).toBeCloseTo(sigmoid(5) / 4, 6);
    expect([at[0]![2]![3], at[1]![0]![1], at[0]![1]![1]]).toEqual([0, 0, 0]);
    expect(at.flat(2).reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.5 + 0.5, 5);
    weights.dispose();
  });

  it('surprise least where scores differ as satisfaction does', () => {
    const weights = pairWeights([[1, 0.9]], 2);
    const surprise = (lead: number) => tidy(() => pairSurprise(tensor2d([[lead, 0]]), weights).dataSync()[0]!);
    const least = surprise(1); // sigmoid(1) is the probability, by a scale of 0.1
    for (const lead of [-1, 0, 0.8, 1.2, 3]) expect(surprise(lead)).toBeGreaterThan(least);
    weights.dispose();
  });

  it.each([
    ['CLIP', clipTraining],
    ['the preference model', preferenceTraining],
  ])('teach %s beside its own images', async (_name, trainingOf) => {
    const training = trainingOf({ seed: 1, batch: 4, generated: squares() });
    const state = toDevice(startAdamW(initialise(training.layout, randomStream(1))), training.layout);
    const batch = training.batch(0);
    const settings = { learningRate: 2e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    const losses: number[] = [];
    for (let i = 0; i < 8; i++)
      losses.push(
        await trainStep({ ...training, batch: () => ({ ...batch, dispose() {} }) }, state, {
          ...settings,
          weightDecay: 0,
          clipNorm: 1,
          averageDecay: 0.9,
        }),
      );
    batch.dispose();
    training.dispose();
    disposeAdamW(state);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
  });
});
