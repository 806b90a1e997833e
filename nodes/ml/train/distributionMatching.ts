import { stopGradient } from '../nn/stopGradient.ts';
import { randomStream } from '../random.ts';
import {
  abs,
  add,
  clone,
  dispose,
  div,
  mean,
  mul,
  neg,
  type Scalar,
  squaredDifference,
  sub,
  type Tensor4D,
  tensor1d,
  tidy,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { guidedV } from './consistencyDistillation.ts';
import { noiseLevels, spreadTimesteps } from './noiseLevels.ts';
import {
  encodeText,
  normalLatents,
  predictV,
  sceneLatents,
  unetLayout,
  type WorldLatents,
} from './textToImageTraining.ts';
import type { Training } from './trainStep.ts';

interface DistributionMatchingSettings {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
  /** Guidance scale of the teacher. */
  readonly guidanceScale: number;
}

/**
 * Sharpens a one-step generator: its images move from where their own distribution is denser to where the guided
 * teacher's is, while a second network, started from the teacher too, follows their distribution.
 * Source: arXiv 2311.18828, equations 7 and 8; arXiv 2405.14867, without the regression term
 *
 *   x  = -v_theta(z, 999, c)              the generator: at the last timestep no signal is left
 *   x_t = a x + s eps                     noised to a random t
 *   p(x_t), q(x_t)                        clean latents by the guided teacher, by the follower
 *   w  = (q - p) / mean |x - p|           direction, one scale an image
 *   loss = mean sg(w) x  +  mean |v_follower(sg(x)_t', t', c) - v'|^2
 *
 * Every other step only the follower learns, so that it keeps up (arXiv 2405.14867, section 4.2, "two time-scale").
 * The layout holds the generator's U-Net, then the follower's under `follower.`.
 *
 * @param teacher weights under `text_encoder.` and `unet.`; borrowed
 */
export function distributionMatching(
  { seed, batch, guidanceScale }: DistributionMatchingSettings,
  { basis, tokenize, alphasCumprod }: WorldLatents,
  teacher: Weights,
): Training {
  const sampler = sceneLatents(basis);
  const follower = unetLayout.map(({ name, shape }) => ({ name: `follower.${name}`, shape }));
  return {
    layout: [...unetLayout, ...follower],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const { captions, latents } = sampler.draw(random, batch);
      latents.dispose();
      const context = encodeText(teacher, tokenize(captions));
      const empty = encodeText(teacher, tokenize(captions.map(() => '')));
      const z = normalLatents(random, batch);
      const last = tensor1d(captions.map(() => 999));
      const [compared, followed] = [
        noiseLevels(
          alphasCumprod,
          spreadTimesteps(random, batch).map((t) => Math.round(20 + 0.95 * t)),
        ),
        noiseLevels(alphasCumprod, spreadTimesteps(random, batch)),
      ];
      const [epsilon, epsilonFollowed] = [normalLatents(random, batch), normalLatents(random, batch)];
      /** How far the follower is from the v of images x, noised. */
      const surprise = (weights: Weights, x: Tensor4D): Scalar => {
        const { a, s, times } = followed;
        const v = predictV(weights.at('follower'), add(mul(x, a), mul(epsilonFollowed, s)), times, context);
        return mean(squaredDifference(v, sub(mul(epsilonFollowed, a), mul(x, s))));
      };
      const followerAlone = step % 2 === 1;
      return {
        trains: (name) => !followerAlone || name.startsWith('follower.'),
        loss(weights): Scalar {
          const draw = () => neg(predictV(weights, z, last, context));
          if (followerAlone) return surprise(weights, stopGradient(draw));
          const x = draw();
          const direction = stopGradient(() =>
            tidy(() => {
              const { a, s, times } = compared;
              const noisy = add(mul(x, a), mul(epsilon, s)) as Tensor4D;
              const clean = (v: Tensor4D) => sub(mul(noisy, a), mul(v, s));
              const p = clean(guidedV(teacher, noisy, times, context, empty, guidanceScale));
              const q = clean(predictV(weights.at('follower'), noisy, times, context));
              return div(sub(q, p), add(mean(abs(sub(x, p)), [1, 2, 3], true), 1e-3)) as Tensor4D;
            }),
          );
          return add(
            mean(mul(direction, x)),
            surprise(
              weights,
              stopGradient(() => clone(x)),
            ),
          );
        },
        dispose: () =>
          dispose([
            context,
            empty,
            z,
            last,
            epsilon,
            epsilonFollowed,
            ...Object.values(compared),
            ...Object.values(followed),
          ]),
      };
    },
    dispose: sampler.dispose,
  };
}
