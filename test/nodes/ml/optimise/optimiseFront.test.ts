import { beforeAll, describe, expect, it } from 'vitest';
import { disposeCandidate } from '../../../../nodes/ml/optimise/drawCandidates.ts';
import { emphasiseRewards, type FrontSettings, optimiseFront } from '../../../../nodes/ml/optimise/optimiseFront.ts';
import { sgd } from '../../../../nodes/ml/optimise/sgd.ts';
import { dominates, hypervolume, nonDominated } from '../../../../nodes/ml/pareto.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { dispose, mean, mul, slice, sub, type Tensor1D, type Tensor4D, tidy } from '../../../../nodes/ml/tf.ts';
import type { Generator, Reward, SampleRequest } from '../../../../nodes/ports.ts';
import { brightness } from '../../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { stripeGenerator } from '../../../support/stripeGenerator.ts';

const channel = (pixels: Tensor4D, c: number) =>
  mean(slice(pixels, [0, 0, 0, c], [-1, -1, -1, 1]), [1, 2, 3]) as Tensor1D;
const red: Reward = { ...brightness, name: 'red', score: (pixels) => tidy(() => channel(pixels, 0)) };
/** Green without red: against red in part. */
const green: Reward = {
  ...brightness,
  name: 'green',
  score: (pixels) => tidy(() => sub(channel(pixels, 1), mul(channel(pixels, 0), 0.5)) as Tensor1D),
};
const settings: FrontSettings = {
  evaluations: 8,
  batch: 4,
  optimiser: sgd({ learningRate: 20, momentum: 0.9, nesterov: true }),
  clip: 0.1,
  emphasis: 0.5,
  fresh: 0,
  keep: 10,
  reference: [0, -1],
  watch: { patience: 10, stop: false },
};
const sampling = { scheduler: 'euler', steps: 1, guidanceScale: 1, eta: 0 };

/** A generator that notes the noise of all members at each evaluation. */
function watched(): Generator & { readonly seen: Float32Array[] } {
  const generator = stripeGenerator();
  const seen: Float32Array[] = [];
  return {
    ...generator,
    seen,
    denoise(request: SampleRequest) {
      seen.push(Float32Array.from(request.noise.latents.dataSync()));
      return generator.denoise(request);
    },
  };
}

async function run(
  changed: Partial<FrontSettings>,
  rewards: readonly Reward[] = [red, green],
  others: readonly Reward[] = [],
) {
  const seeds = [3, 4, 5, 6, 7, 8];
  const latents = latentNoise(seeds, [4, 8, 3]);
  const generator = watched();
  const request = { noise: { latents, seeds }, prompts: ['x'], negativePrompt: '', settings: sampling, conditions: [] };
  try {
    const front = await optimiseFront(
      { generator, request, rewards, watched: others },
      { ...settings, ...changed },
      async () => {},
    );
    return { front, seen: generator.seen };
  } finally {
    latents.dispose();
  }
}

describe('a population that is optimised to a front', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('keeps what nothing seen dominates, over a growing volume', async () => {
    const { front } = await run({ fresh: 0.3 });
    const scores = front.archive.map((each) => each.scores);
    expect(nonDominated(scores)).toEqual([...scores.keys()]);
    const volumes = front.rows.map(([volume]) => volume!);
    expect(volumes).toHaveLength(8);
    volumes.slice(1).forEach((volume, i) => {
      expect(volume).toBeGreaterThanOrEqual(volumes[i]! - 1e-9);
    });
    expect(volumes.at(-1)).toBeGreaterThan(volumes[0]! * 1.05);
    expect(hypervolume(scores, settings.reference)).toBeCloseTo(volumes.at(-1)!, 9);
    for (const { pixels, scores } of front.archive) {
      const again = [red, green].map((reward) => reward.score(pixels, []));
      expect((await again[0]!.data())[0]).toBeCloseTo(scores[0]!, 5);
      expect((await again[1]!.data())[0]).toBeCloseTo(scores[1]!, 5);
      dispose(again);
    }
    front.archive.forEach(disposeCandidate);
  });

  it('gives a gradient to members of the front alone; the others wait, or restart beside one of it', async () => {
    const pixelsOf = (noise: Float32Array) => noise.map((z) => 1 / (1 + Math.exp(-1.25 * z)));
    const scoresOf = (noise: Float32Array) => {
      const values = pixelsOf(noise);
      const average = (c: number) => values.reduce((sum, value, i) => (i % 3 === c ? sum + value : sum), 0) / 32;
      return [average(0), average(1) - average(0) / 2];
    };
    for (const fresh of [0, 0.3]) {
      const { front, seen } = await run({ evaluations: 2, batch: 6, fresh });
      const members = (at: number) => Array.from({ length: 6 }, (_, i) => seen[at]!.subarray(i * 96, (i + 1) * 96));
      const points = members(0).map(scoresOf);
      const moved = members(1).map((noise, i) => noise.some((z, j) => z !== members(0)[i]![j]));
      const isFront = points.map((point) => !points.some((other) => dominates(other, point)));
      expect(isFront).toContain(false);
      expect(moved).toEqual(isFront.map((front) => front || fresh > 0));
      front.archive.forEach(disposeCandidate);
    }
  });

  it('lets each member care for its own reward more than for the others', () => {
    const rewards = [
      { ...red, weight: 2 },
      { ...green, usualRange: [0, 4] as const },
    ];
    expect(emphasiseRewards(rewards, 0, 0)).toEqual([1, 1 / 8]);
    expect(emphasiseRewards(rewards, 4, 1)).toEqual([2, 0]);
    expect(emphasiseRewards(rewards, 1, 0.5)).toEqual([0.5, 0.75 / 4]);
  });

  it('keeps no more than it is to, and the extremes among them', async () => {
    const [{ front: all }, { front: few }] = [
      await run({ keep: 50, evaluations: 3 }),
      await run({ keep: 2, evaluations: 3 }),
    ];
    expect(all.archive.length).toBeGreaterThan(2);
    expect(few.archive).toHaveLength(2);
    const reds = (front: typeof all) => Math.max(...front.archive.map(({ scores }) => scores[0]!));
    expect(reds(few)).toBeCloseTo(reds(all), 6);
    [...all.archive, ...few.archive].forEach(disposeCandidate);
  });

  it('says where what is watched falls, and ends there if asked to', async () => {
    const dark: Reward = {
      ...brightness,
      name: 'dark',
      score: (pixels) => tidy(() => mul(brightness.score(pixels, []), -1) as Tensor1D),
    };
    const lighter = [red, { ...green, score: (pixels: Tensor4D) => tidy(() => channel(pixels, 1)) }];
    const { front } = await run({ evaluations: 30, watch: { patience: 4, stop: true } }, lighter, [dark]);
    expect(front.rows.length).toBeLessThan(30);
    expect(front.remarks).toEqual([expect.stringContaining('The front may be exploiting its rewards')]);
    front.archive.forEach(disposeCandidate);
  });

  it('refuses NaN at first, and later keeps the front it has', async () => {
    let calls = 0;
    const breaks = (from: number): Reward => ({
      ...red,
      name: 'breaks',
      score: (pixels) => tidy(() => mul(channel(pixels, 0), ++calls > from ? Number.NaN : 1) as Tensor1D),
    });
    await expect(run({}, [breaks(0), green])).rejects.toMatchObject({ code: 'NOT_FINITE' });
    calls = 0;
    const { front } = await run({}, [breaks(4), green]); // two batches an evaluation
    expect(front.rows).toHaveLength(2);
    expect(front.remarks).toEqual([
      expect.stringContaining('stopped at evaluation 3, because the reward "breaks" gave NaN'),
    ]);
    front.archive.forEach(disposeCandidate);
  });
});
