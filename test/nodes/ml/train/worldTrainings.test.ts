import { beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import {
  dispose,
  mean,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor3d,
  tidy,
  zeros,
} from '../../../../nodes/ml/tf.ts';
import { type AdamWSettings, startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { aestheticTraining } from '../../../../nodes/ml/train/aestheticTraining.ts';
import { clipTraining } from '../../../../nodes/ml/train/clipTraining.ts';
import { imageTraining } from '../../../../nodes/ml/train/imageTraining.ts';
import { initialise } from '../../../../nodes/ml/train/initialise.ts';
import { namedScene, patchNaming } from '../../../../nodes/ml/train/patchNaming.ts';
import { LEAST_DIFFERENCE, meritTable, samplePair } from '../../../../nodes/ml/train/preferencePairs.ts';
import { preferenceTraining } from '../../../../nodes/ml/train/preferenceTraining.ts';
import { type Training, trainStep } from '../../../../nodes/ml/train/trainStep.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const adamW: AdamWSettings = {
  learningRate: 2e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
  averageDecay: 0.9,
};

/** Losses of a training that sees its first batch again and again. */
async function lossesOf(training: Training, steps: number, settings = adamW): Promise<number[]> {
  const state = toDevice(startAdamW(initialise(training.layout, randomStream(1))), training.layout);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++)
    losses.push(await trainStep({ ...training, batch: () => training.batch(0) }, state, settings));
  training.dispose();
  disposeAdamW(state);
  return losses;
}

describe('trainings of the built-in world', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  const naming = Math.log(7) + Math.log(11);

  it('CLIP starts near chance and learns a batch by heart', async () => {
    const losses = await lossesOf(clipTraining({ seed: 1, batch: 4 }), 16);
    const chance = (Math.log(8) + Math.log(5)) / 2 + 0.5 * naming; // 8 captions; 4 images and a broken one
    expect(Math.abs(losses[0]! - chance)).toBeLessThan(2.5);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
  });

  it('the preference model starts near chance and learns a batch by heart', async () => {
    const losses = await lossesOf(preferenceTraining({ seed: 1, batch: 8 }), 16);
    expect(Math.abs(losses[0]! - (2 * Math.log(2) + 0.5 * naming))).toBeLessThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
  });

  it.each(['segmentation', 'depth'] as const)('the %s network starts at chance and learns', async (task) => {
    const losses = await lossesOf(imageTraining(task, { seed: 1, batch: 2 }), 12, { ...adamW, learningRate: 1e-2 });
    if (task === 'segmentation') expect(losses[0]).toBeCloseTo(Math.log(7), 4);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
  });

  it('the aesthetic head fits what an embedding shows', async () => {
    const encode = (pixels: Parameters<Parameters<typeof aestheticTraining>[1]>[0]) =>
      reshape(mean(reshape(pixels, [pixels.shape[0], 8, 8, 64, 3]), [2, 4]), [pixels.shape[0], -1]) as Tensor2D;
    const training = aestheticTraining({ seed: 1, batch: 8 }, (pixels) => slice(encode(pixels), [0, 0], [8, 128]));
    const losses = await lossesOf(training, 60, { ...adamW, learningRate: 0.1 });
    expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]!);
  });

  it('draws the batch of a step from the seed and the step alone', async () => {
    const lossAt = async (step: number, seed: number) => {
      const training = clipTraining({ seed, batch: 2 });
      const state = toDevice(startAdamW(initialise(training.layout, randomStream(1))), training.layout);
      const loss = await trainStep({ ...training, batch: () => training.batch(step) }, state, adamW);
      disposeAdamW(state);
      return loss;
    };
    const first = await lossAt(3, 1);
    expect(await lossAt(3, 1)).toBe(first);
    expect(await lossAt(4, 1)).not.toBe(first);
    expect(await lossAt(3, 2)).not.toBe(first);
  });
});

describe('patchNaming', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('is 0 for states that name every patch and ln 7 + ln 11 for ones that say nothing', () => {
    const scene = sampleScene(randomStream(3), 'single');
    const [object] = scene.objects;
    const centre = {
      ...scene,
      objects: [{ ...object!, shape: 'square' as const, colour: 'green' as const, x: 32, y: 32 }],
    };
    const task = patchNaming([namedScene(centre)], 64); // one patch, which the square does not cover by a quarter
    const smaller = patchNaming([namedScene({ ...centre, objects: [{ ...centre.objects[0]!, radius: 28 }] })], 64);
    const states = tensor3d([[[0], [1]]]);
    const logits = new Float32Array(18).fill(-100);
    logits[2] = 100; // square
    logits[7 + 4] = 100; // green
    const named = { weight: zeros([18, 1]), bias: tensor1d(logits) as Tensor };
    const silent = { weight: zeros([18, 1]), bias: zeros([18]) as Tensor };
    const lossOf = (which: typeof task, { weight, bias }: typeof silent) => {
      const weights = weightsOf(
        new Map([
          ['patch_naming.weight', weight],
          ['patch_naming.bias', bias],
        ]),
      );
      return tidy(() => which.loss(states, weights).dataSync()[0]!);
    };
    expect(lossOf(smaller, named)).toBeCloseTo(0, 5);
    expect(lossOf(task, named)).toBeGreaterThan(100);
    expect(lossOf(task, silent)).toBeCloseTo(Math.log(7) + Math.log(11), 5);
    task.dispose();
    smaller.dispose();
    dispose([states, ...Object.values(named), ...Object.values(silent)]);
  });
});

describe('samplePair', () => {
  it('gives pairs of all kinds, of which most differ in merit as their kind says', () => {
    const random = randomStream(4);
    const pairs = Array.from({ length: 300 }, () => samplePair(random));
    const differences = pairs.map(({ kind, prompt, images }) => {
      const [a, b] = meritTable([prompt], images)[0] as [number, number];
      return { kind, lead: a - b };
    });
    for (const kind of ['content', 'blemish', 'composition'] as const) {
      const of = differences.filter((each) => each.kind === kind);
      expect(of.length).toBeGreaterThan(60);
      expect(of.filter(({ lead }) => Math.abs(lead) > LEAST_DIFFERENCE).length / of.length).toBeGreaterThan(0.25);
    }
    for (const { kind, lead } of differences) if (kind === 'blemish') expect(lead).toBeGreaterThan(0);
  });
});
