import type { TrainedSettings } from './settings.ts';

const float32 = Math.fround;

type BetaSettings = Pick<
  TrainedSettings,
  'num_train_timesteps' | 'beta_start' | 'beta_end' | 'beta_schedule' | 'trained_betas' | 'rescale_betas_zero_snr'
>;

/**
 * Share of signal variance left at each training timestep, in float32 rounded where PyTorch rounds it (its cumulative
 * product runs in float64), so that the noise levels near t = 0, which cancel, agree to the last digits.
 * Source: DDPM, arXiv 2006.11239, section 2; zero terminal SNR: arXiv 2305.08891, algorithm 1; PyTorch and diffusers.
 *
 *   beta_t          noise variance added at step t
 *   alphaBar_t      product of (1 - beta_s) over s <= t
 */
export function alphasCumprod(settings: BetaSettings): Float32Array {
  const betas = trainingBetas(settings);
  return cumulativeAlphas(settings.rescale_betas_zero_snr ? zeroSnrBetas(betas) : betas);
}

/**
 * As `alphasCumprod`, but for the samplers that work in sigmas: zero at the last timestep becomes 2^-24, so that the
 * first sigma is finite (4096).
 */
export function positiveAlphasCumprod(settings: BetaSettings): Float32Array {
  const alphaBars = alphasCumprod(settings);
  if (settings.rescale_betas_zero_snr) alphaBars[alphaBars.length - 1] = 2 ** -24;
  return alphaBars;
}

/** Noise level sqrt((1 - alphaBar) / alphaBar) at each training timestep, rising. */
export function trainingSigmas(alphaBars: Float32Array): Float32Array {
  return alphaBars.map((a) => Math.sqrt(float32(float32(1 - a) / a)));
}

function trainingBetas(settings: BetaSettings): Float32Array {
  const { trained_betas, beta_schedule, beta_start, beta_end, num_train_timesteps: count } = settings;
  if (trained_betas !== null) return Float32Array.from(trained_betas);
  if (beta_schedule === 'squaredcos_cap_v2') return cosineBetas(count);
  if (beta_schedule === 'linear') return torchLinspace(beta_start, beta_end, count);
  return torchLinspace(Math.sqrt(beta_start), Math.sqrt(beta_end), count).map((root) => root * root);
}

/** Source: arXiv 2102.09672, equation 17, betas capped at 0.999. */
function cosineBetas(count: number): Float32Array {
  const alphaBar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999),
  );
}

/** float32 `torch.linspace`: counts from the nearer end and rounds once, as a fused multiply-add does. */
function torchLinspace(start: number, end: number, count: number): Float32Array {
  const [low, high] = [float32(start), float32(end)];
  const step = float32(float32(high - low) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? low + step * i : high - step * (count - 1 - i),
  );
}

function cumulativeAlphas(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= float32(1 - beta);
    return product;
  });
}

/** Betas whose last alphaBar is zero and whose first is unchanged. Source: arXiv 2305.08891, algorithm 1. */
function zeroSnrBetas(betas: Float32Array): Float32Array {
  const roots = cumulativeAlphas(betas).map(Math.sqrt);
  const [first, last] = [roots[0]!, roots[roots.length - 1]!];
  const scale = float32(first / float32(first - last));
  const alphaBars = roots.map((root) => float32(float32(root - last) * scale) ** 2);
  return alphaBars.map((a, i) => 1 - float32(i === 0 ? a : a / alphaBars[i - 1]!));
}
