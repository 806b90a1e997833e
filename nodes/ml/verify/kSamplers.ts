import type { KSampler } from '../diffusion/kSampler.ts';
import { linearMultistep } from '../diffusion/kSamplers/lms.ts';
import { kSamplers as samplers } from '../diffusion/kSamplers.ts';
import { positiveAlphasCumprod, trainingSigmas } from '../diffusion/noiseSchedule.ts';
import { schedules } from '../diffusion/schedules.ts';
import { trainedDefaults } from '../diffusion/settings.ts';
import { add, div, exp, expandDims, log, max, mul, reshape, stack, sub, sum, type Tensor, tidy } from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';
import { modelOutputs } from './kSamplerModel.ts';
import { betas, samplerNamed, scheduleNamed } from './kSamplerNames.ts';
import { noiseOutputs } from './kSamplerNoise.ts';
import { runSampler } from './runSampler.ts';

/** Samplers and schedules of ComfyUI, k-diffusion and stable-diffusion-webui: lists, trajectories, noise, runs with a model. */
export const kSamplers: Family = async (golden) => {
  scheduleOutputs(golden);
  trajectoryOutputs(golden);
  await noiseOutputs(golden);
  await modelOutputs(golden);
};

function scheduleOutputs(golden: GoldenFolder): void {
  const table = trainingSigmas(positiveAlphasCumprod({ ...trainedDefaults, ...betas }));
  golden.output('out.model.sigmas', Array.from(table));
  for (const row of golden.wanted) {
    const [, program, name] = /^out\.(schedule|webui)\.(.+)\.sigmas$/.exec(row.name) ?? [];
    if (program === undefined || name === undefined) continue;
    const schedule = schedules[scheduleNamed(program, name)];
    const skipsOne = name === 'kl_optimal' && program === 'schedule';
    const counts = (golden.settings.step_counts as number[]).filter((count) => count > 1 || !skipsOne);
    const lists = counts.map((count) => schedule(table, count));
    golden.output(row.name, lists.flat());
    // A count that is left out counts as no levels.
    const lengths = (golden.settings.step_counts as number[]).map((count) => lists[counts.indexOf(count)]?.length ?? 0);
    golden.output(`out.${program}.${name}.lengths`, lengths);
  }
}

/** Every sampler over given levels with an exact denoiser and given noise. */
function trajectoryOutputs(golden: GoldenFolder): void {
  const sigmas = Array.from(golden.input('in.sigmas').dataSync());
  const run = (sampler: KSampler) =>
    runSampler(
      sampler,
      sigmas,
      golden.input('in.start'),
      (x, at) => mixtureMean(golden, x, at),
      golden.input('in.draws'),
    );
  tidy(() => {
    for (const name of golden.settings.samplers as string[]) {
      const { x, result, calls, asked } = run(samplers[samplerNamed(name)]!);
      const wants = (what: string) => golden.wanted.some((row) => row.name === `out.${name}.${what}`);
      if (wants('x')) golden.output(`out.${name}.x`, stack([...x]));
      golden.output(`out.${name}.result`, result);
      golden.output(`out.${name}.calls`, calls);
      if (wants('asked')) golden.output(`out.${name}.asked`, asked.flat());
    }
    golden.output('out.webui.lms.result', run(linearMultistep).result);
  });
}

/**
 * The exact D(x, s) of a mixture of normals around centres m_k with weights and deviation w:
 * sum_k r_k (s^2 m_k + w^2 x) / (s^2 + w^2), r = softmax(ln weight_k - |x - m_k|^2 / (2 (s^2 + w^2))). [N, C, H, W]
 */
function mixtureMean(golden: GoldenFolder, x: Tensor, s: number): Tensor {
  const w = golden.settings.width as number;
  const variance = s ** 2 + w ** 2;
  const [n, ...rest] = x.shape as [number, ...number[]];
  const size = rest.reduce((product, length) => product * length, 1);
  const rows = reshape(x, [n, 1, size]);
  const centres = reshape(golden.input('in.centres'), [1, -1, size]);
  const distances = sum(mul(sub(rows, centres), sub(rows, centres)), 2); // [N, K]
  const logits = sub(log(golden.input('in.weights')), div(distances, 2 * variance));
  const shares = exp(sub(logits, max(logits, 1, true)));
  const r = expandDims(div(shares, sum(shares, 1, true)), 2); // [N, K, 1]
  const means = div(add(mul(centres, s ** 2), mul(rows, w ** 2)), variance);
  return reshape(sum(mul(r, means), 1), x.shape);
}
