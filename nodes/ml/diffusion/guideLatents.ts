import type { ConsistencyGuidance } from '../../ports.ts';
import {
  add,
  div,
  grad,
  keep,
  mul,
  type Scalar,
  scalar,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import { type DenoiseHooks, gatherRows } from './denoise.ts';
import { isEdm } from './edm.ts';
import { alphasCumprod, trainingSigmas } from './noiseSchedule.ts';
import type { SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { sigmaToTimestep } from './sigmas.ts';

/**
 * Moves noisy latents against the gradient of a loss of the image that they are estimated to become.
 * x' = x - s |e| g / |g|, each image by itself. The caller owns the result.
 * Source: arXiv 2404.07987 (ControlNet++), equation 7 for the estimate; the step is a share of the noise that is left
 *
 * | here     | there                    |                                                                       |
 * |----------|--------------------------|-----------------------------------------------------------------------|
 * | x        | x_t                      | [N, h, w, c], in the units of the sampler                               |
 * | estimate | x0'                      | x -> the clean latents that the model sees in it, differentiable        |
 * | loss     | L                        | clean latents -> [N]                                                   |
 * | g        | gradient of L by x_t     |                                                                       |
 * | signal   | sqrt(abar_t)             | how much of the clean latents is in x, in x's units                     |
 * | e        | sqrt(1 - abar_t) eps     | x - signal x0', the noise in x                                         |
 * | scale    | s                        | 0.1 to 0.5                                                             |
 */
export function guideLatents(
  x: Tensor4D,
  estimate: (x: Tensor4D) => Tensor4D,
  loss: (clean: Tensor4D) => Tensor1D,
  scale: number,
  signal: Scalar,
): Tensor4D {
  return tidy(() => {
    let clean: Tensor4D | undefined;
    try {
      const g = grad((moved: Tensor) => {
        clean = keep(estimate(moved as Tensor4D));
        return sum(loss(clean));
      })(x);
      const noise = sub(x, mul(signal, clean as unknown as Tensor4D));
      const lengths = (y: Tensor) => sqrt(sum(square(y), [1, 2, 3], true)); // [N, 1, 1, 1]
      return sub(x, mul(g, mul(scale, div(lengths(noise), add(lengths(g), 1e-12)))));
    } finally {
      clean?.dispose();
    }
  });
}

/** The schedule of Stable Diffusion. */
const usualBetas = { ...trainedDefaults, beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 };

/**
 * The hook of `denoise` that guides by a consistency loss, up to its largest timestep. `decode` gives images in [0, 1];
 * `config` is that of the schedule on which the model was trained.
 */
export function guideByConsistency(
  { consistency, image, scale, maxTimestep }: ConsistencyGuidance,
  decode: (latents: Tensor4D) => Tensor4D,
  config: SchedulerConfig,
): NonNullable<DenoiseHooks['moveLatents']> {
  const edm = isEdm(config);
  const alphaBars = alphasCumprod(edm ? usualBetas : readSettings(config, trainedDefaults, trainedAllowed));
  const logSigmas = trainingSigmas(alphaBars).map(Math.log);
  /** The training timestep of a point. EDM's are logarithms of noise levels; the one of Stable Diffusion is of the same level. */
  const trained = (timestep: number) => (edm ? sigmaToTimestep(Math.exp(4 * timestep), logSigmas) : timestep);
  /** sqrt(abar) of a training timestep, the nearest one for a timestep between two. */
  const signalAt = (timestep: number) =>
    Math.sqrt(alphaBars[Math.min(Math.max(Math.round(timestep), 0), alphaBars.length - 1)]!);
  return (x, { timestep, rows, estimate, scaleInput }) => {
    if (trained(timestep) > maxTimestep) return undefined;
    const own = gatherRows(image, rows);
    const loss = (clean: Tensor4D) => consistency.loss(decode(clean), own);
    const signal = edm ? scalar(1) : div<Scalar>(signalAt(timestep), scaleInput(scalar(1)));
    return guideLatents(x, estimate, loss, scale, signal);
  };
}
