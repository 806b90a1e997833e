import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ddim } from '../../../../nodes/ml/diffusion/ddim.ts';
import { alphasCumprod } from '../../../../nodes/ml/diffusion/noiseSchedule.ts';
import { trainedDefaults } from '../../../../nodes/ml/diffusion/settings.ts';
import { brain } from '../../../../nodes/ml/preference/brain.ts';
import { kto } from '../../../../nodes/ml/preference/kto.ts';
import { errorPerImage, klPerImage, logRatio } from '../../../../nodes/ml/preference/logRatio.ts';
import { cdpo, dpo, fDpo, margin, rdpo } from '../../../../nodes/ml/preference/pairLosses.ts';
import { rankDpo } from '../../../../nodes/ml/preference/rankDpo.ts';
import { simpo } from '../../../../nodes/ml/preference/referenceFreeLosses.ts';
import { hypo, rpo, seppo, vpo } from '../../../../nodes/ml/preference/regularisedLosses.ts';
import { ddpo, dpok, prdp, stepDpo } from '../../../../nodes/ml/preference/stepLosses.ts';
import { stepLogProb, stepMean } from '../../../../nodes/ml/preference/stepPolicy.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import {
  grad,
  mul,
  type Rank,
  reshape,
  type Scalar,
  sub,
  type Tensor,
  type Tensor1D,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
  zerosLike,
} from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const seeds = { numRuns: 30, seed: 7 };
const numbers = (count: number, size = 4) =>
  fc.array(fc.double({ min: -size, max: size, noNaN: true }), { minLength: count, maxLength: count });
const lossOf = (loss: () => Scalar): number => tidy(() => loss().dataSync()[0]!);
const gradientOf = (loss: (x: Tensor1D) => Scalar, x: readonly number[]): number[] =>
  tidy(() => Array.from(grad(loss as (x: Tensor) => Tensor)(tensor1d([...x])).dataSync()));

beforeAll(openTestDevice);
guardLeaks();

describe('losses on preferences', () => {
  it('start at ln 2 where the model is the reference, and fall as the winner is preferred', () => {
    expect(lossOf(() => dpo(zeros([3])))).toBeCloseTo(Math.LN2, 6);
    expect(lossOf(() => dpo(tensor1d([1, 2, 3])))).toBeLessThan(Math.LN2);
    expect(gradientOf(dpo, [0, 0])).toEqual([-0.25, -0.25]);
  });

  it('that expect flipped labels are DPO without any, and rDPO is DPO in the mean over flips', () => {
    fc.assert(
      fc.property(numbers(4), fc.double({ min: 0, max: 0.45, noNaN: true }), (u, epsilon) => {
        const [plain, none, smooth] = [dpo, (x: Tensor1D) => rdpo(x, 0), (x: Tensor1D) => cdpo(x, 0)].map((loss) =>
          lossOf(() => loss(tensor1d(u))),
        );
        expect(none).toBeCloseTo(plain!, 5);
        expect(smooth).toBeCloseTo(plain!, 5);
        const [kept, flipped] = [1, -1].map((sign) =>
          lossOf(() => rdpo(tensor1d(u.map((each) => sign * each)), epsilon)),
        );
        expect((1 - epsilon) * kept! + epsilon * flipped!).toBeCloseTo(plain!, 3);
      }),
      seeds,
    );
  });

  it('of other divergences tend to DPO: the alpha divergence as alpha tends to 1', () => {
    const [winner, loser] = [
      [0.8, -0.2],
      [-0.5, 0.4],
    ];
    const near = (divergence: Parameters<typeof fDpo>[3], alpha = 0.5) =>
      lossOf(() => fDpo(tensor1d(winner!), tensor1d(loser!), 1, divergence, alpha));
    const plain = lossOf(() => dpo(margin(tensor1d(winner!), tensor1d(loser!), 1)));
    expect(near('reverse KL')).toBeCloseTo(plain, 6);
    expect(near('alpha', 1.001)).toBeCloseTo(plain, 2);
    expect(near('forward KL')).not.toBeCloseTo(plain, 3);
    const huge = lossOf(() => fDpo(tensor1d([-1000]), tensor1d([1000]), 1, 'forward KL'));
    expect(Number.isFinite(huge)).toBe(true);
  });

  it('have the gradient that finite differences show', () => {
    const [a, b] = [
      [0.3, -0.7, 1.1],
      [-0.4, 0.2, 0.9],
    ];
    const losses: Record<string, (x: Tensor1D) => Scalar> = {
      seppo: (x) => seppo(x, tensor1d(b), 0.7),
      vpo: (x) => vpo(x, tensor1d(b), { alpha: 0.3, beta: 0.7, online: false }),
      rpo: (x) => rpo(x, x, { eta: 0.2, kappa: 3 }),
      hypo: (x) => hypo(x, x, 0.4),
      simpo: (x) => simpo(x, tensor1d(b), { beta: 0.5, kappa: 2, gamma: 0.3 }),
      js: (x) => fDpo(x, tensor1d(b), 0.7, 'Jensen-Shannon'),
      ddpo: (x) => ddpo(x, tensor1d([0.2, -0.8, 1]), tensor1d([1, -2, 9]), 0.5),
      dpok: (x) => dpok(x, tensor1d(a), tensor1d([1, -2, 1]), x, { clip: 0.5, klWeight: 0.1 }),
      d3po: (x) => stepDpo(x, tensor1d(b), { beta: 2, epsilon: 3 }),
    };
    for (const [name, loss] of Object.entries(losses)) {
      const exact = gradientOf(loss, a!);
      for (const i of a!.keys()) {
        const at = (by: number) => lossOf(() => loss(tensor1d(a!.map((each, j) => each + (i === j ? by : 0)))));
        expect(exact[i], name).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 2);
      }
    }
  });

  it("make the reference's sample a loser only where the model denoises the winner better: SePPO", () => {
    expect(gradientOf((x) => seppo(tensor1d([1]), x, 1), [0.5])[0]).toBeGreaterThan(0);
    expect(gradientOf((x) => seppo(tensor1d([-1]), x, 1), [0.5])[0]).toBeLessThan(0);
    expect(gradientOf((x) => seppo(tensor1d([0]), x, 1), [0.5])[0]).toBeGreaterThan(0); // a tie counts as better
  });

  it('raise likes and lower dislikes around the mean of the batch: KTO', () => {
    const slopes = gradientOf((x) => kto(x, tensor1d([1, 0, 1]), { beta: 1 }), [0.2, 0.1, 0.6]);
    expect(slopes.map(Math.sign)).toEqual([-1, 1, -1]);
    const far = lossOf(() => kto(tensor1d([-9, -9]), tensor1d([1, 0]), { beta: 1 })); // the point is never below 0
    expect(far).toBeCloseTo((1 - 1 / (1 + Math.exp(9)) + (1 - 1 / (1 + Math.exp(-9)))) / 2, 5);
  });

  it('on lists count each pair by how far it stands apart, and ties not at all: RankDPO', () => {
    const ell = [[0.4, -0.2, 0.1]];
    const value = (phi: number[]) => lossOf(() => rankDpo(tensor2d(ell), [phi], 1));
    expect(value([0.5, 0.5, 0.5])).toBe(0);
    expect(value([1, 0.5, 0])).toBeCloseTo(plainRankDpo(ell[0]!, [1, 0.5, 0]), 5);
    expect(value([0, 1, 1])).toBeCloseTo(plainRankDpo(ell[0]!, [0, 1, 1]), 5);
  });

  it('distil a posterior: the gradient of BRAIn is the difference of both distributions', () => {
    const [ell, old, rewards] = [
      [0.3, -0.4, 0.2],
      [0.1, 0.2, -0.1],
      [1, 2, 0],
    ];
    const softmax = (values: number[]) => {
      const exps = values.map(Math.exp);
      return exps.map((each) => each / exps.reduce((sum, value) => sum + value, 0));
    };
    const a = softmax(rewards!.map((r, i) => r / 0.5 - old![i]!));
    const b = softmax(ell!.map((each, i) => each - old![i]!));
    const slopes = gradientOf((x) => brain(reshape(x, [1, 3]), tensor2d([old!]), tensor2d([rewards!]), 0.5), ell!);
    for (const [i, slope] of slopes.entries()) expect(slope).toBeCloseTo(b[i]! - a[i]!, 4);
  });

  it('of trajectories regress reward differences, and are 0 where all rewards are equal: PRDP', () => {
    const value = (rewards: number[]) =>
      lossOf(() => {
        const [reference, old] = [zeros<Rank.R2>([2, 3]), zeros<Rank.R2>([2, 3])];
        const logProb = tensor2d([3, 3, 3, 1, 1, 1], [2, 3]);
        return prdp(logProb, { reference, old, rewards, beta: 2, clip: 10 });
      });
    expect(value([4, 0])).toBeCloseTo(0, 6);
    expect(value([6, 0])).toBeCloseTo(1, 5);
    expect(value([1, 1])).toBe(0);
  });

  it('know the step of a sampler: its mean is that of DDIM, and its density has the height of a Gaussian', () => {
    const config = { ...trainedDefaults, _class_name: 'DDIMScheduler', steps_offset: 1, clip_sample: false };
    const scheduler = ddim(config);
    const plan = scheduler.plan(20, { eta: 0.8 });
    const random = randomStream(3);
    const draw = () =>
      tensor(
        Array.from({ length: 8 }, () => random.normal()),
        [1, 2, 2, 2],
      );
    const policy = { alphaBars: alphasCumprod(config), stride: 50, eta: 0.8 };
    for (const i of [0, 7, 18]) {
      const [got, wanted, density] = tidy(() => {
        const [x, modelOutput] = [draw(), draw()];
        const step = stepMean(x, modelOutput, [plan.timesteps[i]!], policy);
        const next = scheduler.step(plan, i, { x, modelOutput, state: [], noise: zerosLike(x) }).x;
        const peak = stepLogProb(step.mean, step).dataSync()[0]!;
        return [
          step.mean.dataSync(),
          next.dataSync(),
          peak + Math.log(step.sigma.dataSync()[0]! * Math.sqrt(2 * Math.PI)),
        ];
      });
      for (const [j, value] of (got as Float32Array).entries())
        expect(value).toBeCloseTo((wanted as Float32Array)[j]!, 4);
      expect(density).toBeCloseTo(0, 4);
    }
  });

  it('measure the log ratio as the difference of errors, and the divergence as 0 from itself', () => {
    const random = randomStream(5);
    const draw = () =>
      tensor(
        Array.from({ length: 12 }, () => random.normal()),
        [3, 2, 2, 1],
      );
    const [ell, plain, none] = tidy(() => {
      const [target, reference, model] = [draw(), draw(), draw()];
      const difference = sub(errorPerImage(target, reference), errorPerImage(target, model));
      return [
        logRatio(target, reference, model, 10).arraySync(),
        mul(difference, 5).arraySync() as number[],
        klPerImage(model, model, 10).arraySync(),
      ];
    });
    for (const [i, value] of ell!.entries()) expect(value).toBeCloseTo(plain![i]!, 4);
    expect(none).toEqual([0, 0, 0]);
  });
});

function plainRankDpo(ell: readonly number[], phi: readonly number[]): number {
  const order = phi.map((_, i) => i).sort((a, b) => phi[b]! - phi[a]! || a - b);
  const tau = phi.map((_, i) => order.indexOf(i) + 1);
  let sum = 0;
  for (const i of phi.keys())
    for (const j of phi.keys()) {
      if (phi[i]! <= phi[j]!) continue;
      const gap = Math.abs(1 / Math.log(1 + tau[i]!) - 1 / Math.log(1 + tau[j]!));
      sum += (2 ** phi[i]! - 2 ** phi[j]!) * gap * Math.log(1 + Math.exp(-(ell[i]! - ell[j]!)));
    }
  return sum;
}
