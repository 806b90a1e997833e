import { stopGradient } from '../nn/stopGradient.ts';
import { randomStream } from '../random.ts';
import {
  add,
  concat,
  dispose,
  mean,
  mul,
  type Scalar,
  split,
  squaredDifference,
  sub,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { type NoiseLevels, noiseLevels } from './noiseLevels.ts';
import {
  encodeText,
  normalLatents,
  predictV,
  sceneLatents,
  unetLayout,
  type WorldLatents,
} from './textToImageTraining.ts';
import type { Training } from './trainStep.ts';

interface ConsistencySettings {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
  /** K: the noise levels between which the student learns to jump. */
  readonly segments: number;
  /** Guidance scale of the teacher; the student learns to do without. */
  readonly guidanceScale: number;
}

/**
 * Teaches a student U-Net, started from its teacher's, to go from K noise levels to the clean image in one evaluation: at each
 * level it has to agree with itself one guided DDIM step of the teacher further down.
 * Source: arXiv 2303.01469, algorithm 2, with the guided teacher of arXiv 2310.04378 and few levels as in arXiv 2403.06807.
 *
 *   f(x_t, t, c) = a_t x_t - s_t v_theta(x_t, t, c)   the student's clean latents; a = sqrt(abar), s = sqrt(1 - abar)
 *   v = v_u + g (v_c - v_u)                           the teacher's v under guidance scale g
 *   x_r = a_r (a_t x_t - s_t v) + s_r (s_t x_t + a_t v)          DDIM from t to the next level r
 *   loss = mean |f(x_t, t, c) - sg(f(x_r, r, c))|^2,  with f(x, -1, c) = x at the clean end
 *
 * @param teacher weights under `text_encoder.` and `unet.`; borrowed
 */
export function consistencyDistillation(
  { seed, batch, segments, guidanceScale }: ConsistencySettings,
  { basis, tokenize, alphasCumprod }: WorldLatents,
  teacher: Weights,
): Training {
  const sampler = sceneLatents(basis);
  const levels = Array.from({ length: segments + 1 }, (_, k) => Math.round((1000 * k) / segments) - 1); // -1 is clean
  return {
    layout: unetLayout,
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const { captions, latents } = sampler.draw(random, batch);
      const ids = tokenize(captions);
      // The noisiest level in half of the batch: it takes the longest to learn, and it is the one that is used.
      const from = captions.map((_, i) => (i % 2 ? segments : 1 + ((i / 2 + random.integer(segments)) % segments)));
      const context = encodeText(teacher, ids);
      const empty = encodeText(teacher, tokenize(captions.map(() => '')));
      const x = noiseLevels(
        alphasCumprod,
        from.map((k) => levels[k]!),
      );
      const r = noiseLevels(
        alphasCumprod,
        from.map((k) => levels[k - 1]!),
      );
      const tensors = tidy(() => {
        const noisy = add(mul(latents, x.a), mul(normalLatents(random, batch), x.s)) as Tensor4D;
        const v = guidedV(teacher, noisy, x.times, context, empty, guidanceScale);
        const clean = sub(mul(noisy, x.a), mul(v, x.s));
        const epsilon = add(mul(noisy, x.s), mul(v, x.a));
        return { noisy, next: add(mul(clean, r.a), mul(epsilon, r.s)) as Tensor4D };
      });
      dispose([latents, empty]);
      const jump = (weights: Weights, noisy: Tensor4D, { a, s, times }: NoiseLevels): Tensor4D =>
        sub(mul(noisy, a), mul(predictV(weights, noisy, times, context), s));
      return {
        loss(weights): Scalar {
          // At the clean end a = 1 and s = 0: the jump is the identity.
          const target = stopGradient(() => tidy(() => jump(weights, tensors.next, r)));
          return mean(squaredDifference(jump(weights, tensors.noisy, x), target));
        },
        dispose: () => dispose([context, ...Object.values(tensors), ...Object.values(x), ...Object.values(r)]),
      };
    },
    dispose: sampler.dispose,
  };
}

/** v_u + g (v_c - v_u) in one evaluation of the doubled batch. */
export function guidedV(
  weights: Weights,
  noisy: Tensor4D,
  times: Tensor1D,
  context: Tensor3D,
  empty: Tensor3D,
  guidanceScale: number,
): Tensor4D {
  return tidy(() => {
    const both = predictV(weights, concat([noisy, noisy]), concat([times, times]), concat([empty, context]));
    const [without, withPrompt] = split(both, 2) as [Tensor4D, Tensor4D];
    return add(without, mul(sub(withPrompt, without), guidanceScale));
  });
}
