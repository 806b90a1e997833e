import { betaQuantile } from './betaQuantile.ts';
import { betaSigmas, exponentialSigmas, interpolate, karrasSigmas } from './sigmas.ts';
import { linspace, roundHalfEven } from './timesteps.ts';

/**
 * A list of falling noise levels for `steps` steps, the last is where the image is done; some have fewer or more entries
 * than steps + 1. `table` has the noise level of every training timestep, rising.
 */
export type Schedule = (table: ArrayLike<number>, steps: number) => number[];

const smallestOf = (table: ArrayLike<number>): number => table[0]!;
const largestOf = (table: ArrayLike<number>): number => table[table.length - 1]!;

/** Noise levels of timesteps, linear in log sigma between whole ones. Source: k-diffusion DiscreteSchedule.t_to_sigma. */
function levelsAt(table: ArrayLike<number>, timesteps: readonly number[]): number[] {
  const logTable = Array.from(table, Math.log);
  return timesteps.map((timestep) => Math.exp(interpolate(logTable, timestep)));
}

/** Evenly spaced timesteps, with both ends. Source: ComfyUI normal_scheduler; stable-diffusion-webui calls it uniform. */
const normal: Schedule = (table, steps) => [...levelsAt(table, linspace(table.length - 1, 0, steps)), 0];

/** Evenly spaced timesteps, without the lower end. Source: ComfyUI normal_scheduler with sgm. */
const sgmUniform: Schedule = (table, steps) => [
  ...levelsAt(table, linspace(table.length - 1, 0, steps + 1).slice(0, -1)),
  0,
];

/** Every (timesteps / steps)th level of training, from the top. Source: ComfyUI simple_scheduler. */
const simple: Schedule = (table, steps) => [
  ...Array.from({ length: steps }, (_, k) => table[table.length - 1 - Math.floor((k * table.length) / steps)]!),
  0,
];

/** Every floor(timesteps / steps)th level from the second of training up. Source: ComfyUI ddim_scheduler. */
const ddimUniform: Schedule = (table, steps) => {
  const stride = Math.max(Math.floor(table.length / steps), 1);
  const count = Math.ceil((table.length - 1) / stride);
  return [...Array.from({ length: count }, (_, k) => table[1 + k * stride]!).reverse(), 0];
};

/** Source: arXiv 2206.00364, equation 5. */
const karras: Schedule = (table, steps) => [...karrasSigmas(smallestOf(table), largestOf(table), steps), 0];

/** Evenly spaced logarithms. Source: k-diffusion get_sigmas_exponential. */
const exponential: Schedule = (table, steps) => [...exponentialSigmas(smallestOf(table), largestOf(table), steps), 0];

/** Timesteps at quantiles of Beta(0.6, 0.6), those that come twice once. Source: arXiv 2407.12173; ComfyUI beta_scheduler. */
const beta: Schedule = (table, steps) => {
  const places = Array.from({ length: steps }, (_, k) =>
    roundHalfEven((table.length - 1) * betaQuantile(1 - k / steps, 0.6, 0.6)),
  );
  return [...places.filter((place, k) => place !== places[k - 1]).map((place) => table[place]!), 0];
};

/**
 * Falls evenly through the first 2.5 % in half of the steps, then as a parabola that continues it to 0.
 * Source: arXiv 2410.13720 (Movie Gen), section 3.4.2; ComfyUI linear_quadratic_schedule.
 */
const linearQuadratic: Schedule = (table, steps) => {
  const [threshold, linear] = [0.025, Math.floor(steps / 2)];
  if (steps === 1) return [largestOf(table), 0];
  const left = steps - linear;
  const difference = linear - threshold * steps;
  const square = difference / (linear * left ** 2);
  const slope = threshold / linear - (2 * difference) / left ** 2;
  const fallen = (k: number) =>
    k < linear ? (k * threshold) / linear : square * k ** 2 + slope * k + square * linear ** 2;
  return [...Array.from({ length: steps }, (_, k) => (1 - fallen(k)) * largestOf(table)), 0];
};

/** Evenly spaced arctangents. Source: Align Your Steps, arXiv 2404.14507, equation 2; ComfyUI kl_optimal_scheduler. */
const klOptimal: Schedule = (table, steps) => [
  ...linspace(Math.atan(largestOf(table)), Math.atan(smallestOf(table)), steps).map(Math.tan),
  0,
];

/** Levels found by optimisation for ten steps; other numbers of steps between them. Source: arXiv 2404.14507; ComfyUI AlignYourSteps. */
const alignedSd1 = [
  14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177, 1.3943805092, 0.9642583904, 0.6523686016,
  0.3977456272, 0.1515232662, 0.0291671582,
];
const alignedSdxl = [
  14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708,
  0.2332364134, 0.1114188177, 0.0291671582,
];
const ays: Schedule = (_table, steps) => [...stretch(alignedSd1, steps + 1).slice(0, -1), 0];
const aysSdxl: Schedule = (_table, steps) => [...stretch(alignedSdxl, steps + 1).slice(0, -1), 0];

/** As many levels as `count`, linear in log sigma between the given ones; one is the smallest. */
function stretch(levels: readonly number[], count: number): number[] {
  return levelsAt([...levels].reverse(), linspace(0, levels.length - 1, count)).reverse();
}

/**
 * Where stable-diffusion-webui's lists of the same name are others. Source: stable-diffusion-webui 1.10
 * modules/sd_schedulers.py.
 */
const webuiBeta: Schedule = (table, steps) => [...betaSigmas(smallestOf(table), largestOf(table), steps), 0];
const webuiKlOptimal: Schedule = (table, steps) =>
  linspace(Math.atan(largestOf(table)), Math.atan(smallestOf(table)), steps + 1).map(Math.tan);
const roundedSd1 = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];
const roundedSdxl = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029];
const webuiAys: Schedule = (_table, steps) => [...stretch(roundedSd1, steps), 0];
const webuiAysSdxl: Schedule = (_table, steps) => [...stretch(roundedSdxl, steps), 0];

/** All schedules by name. */
export const schedules = {
  normal,
  karras,
  exponential,
  'sgm-uniform': sgmUniform,
  simple,
  'ddim-uniform': ddimUniform,
  beta,
  'linear-quadratic': linearQuadratic,
  'kl-optimal': klOptimal,
  ays,
  'ays-sdxl': aysSdxl,
  'webui-beta': webuiBeta,
  'webui-kl-optimal': webuiKlOptimal,
  'webui-ays': webuiAys,
  'webui-ays-sdxl': webuiAysSdxl,
} satisfies Record<string, Schedule>;

export type ScheduleName = keyof typeof schedules;

export const scheduleNames: readonly string[] = Object.keys(schedules);
