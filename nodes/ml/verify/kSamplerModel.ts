import { createScheduler } from '../diffusion/createScheduler.ts';
import { kSamplers } from '../diffusion/kSamplers.ts';
import { cleanAtLevel } from '../diffusion/noiseLevels.ts';
import { positiveAlphasCumprod, trainingSigmas } from '../diffusion/noiseSchedule.ts';
import { nearestTimestep } from '../diffusion/noiseSpace.ts';
import { schedulerConfig } from '../diffusion/schedulers.ts';
import { schedules } from '../diffusion/schedules.ts';
import { trainedDefaults } from '../diffusion/settings.ts';
import { sigmaToTimestep } from '../diffusion/sigmas.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { type LoadedModel, loadDescribed } from '../models/load/modelDescription.ts';
import { add, concat, div, mul, sub, type Tensor, type Tensor3D, tidy } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';
import { betas, samplerNamed, scheduleNamed } from './kSamplerNames.ts';
import { runSampler } from './runSampler.ts';

interface ModelCase {
  readonly steps: number;
  readonly cfg: number;
  /** ComfyUI's sampler -> schedule. */
  readonly runs: Readonly<Record<string, string>>;
}

/** Runs with a whole model: `out.unet.*` of ComfyUI's KSampler, `out.webui.*` of k-diffusion's samplers in webui. */
export async function modelOutputs(golden: GoldenFolder): Promise<void> {
  const path = await locateShared(golden, golden.settings.base as string);
  const model = await loadDescribed(await describeModel(golden.files, path), {});
  try {
    tidy(() => comfyOutputs(golden, model));
    tidy(() => webuiOutputs(golden, model));
  } finally {
    model.dispose();
  }
}

type Predict = (x: Tensor, timestep: number) => Tensor;

/** The noise that the model predicts in x [N, C, H, W] of its own scale: guided, for the mean of several prompts. */
function predictWith(golden: GoldenFolder, { unet }: LoadedModel, cfg: number, prompts: readonly Tensor[]): Predict {
  return (x, timestep) => {
    const ask = (context: Tensor) => unet(channelsLast(x), timestep, context as Tensor3D) as Tensor;
    const c = div(
      prompts.map(ask).reduce((total, each) => add(total, each)),
      prompts.length,
    );
    if (cfg === 1) return channelsFirst(c);
    const u = ask(golden.input('in.unet.negative'));
    return channelsFirst(add(u, mul(sub(c, u), cfg)));
  };
}

interface RunOptions {
  readonly prompts: readonly Tensor[];
  readonly guidance: number;
  /** The levels that are run. */
  readonly cut: (sigmas: readonly number[]) => readonly number[];
  /** x at the first of them, in place of the noise. */
  readonly start: Tensor;
}

/** Results as on a LATENT wire, so not in the model's scale. */
function comfyOutputs(golden: GoldenFolder, model: LoadedModel): void {
  const { steps, cfg, runs } = golden.settings.unet as ModelCase;
  const [positive, second] = [golden.input('in.unet.positive'), golden.input('in.unet.positive_2')];
  const run = (sampler: string, schedule: string, options: Partial<RunOptions> = {}): Tensor => {
    const { prompts = [positive], guidance = cfg, cut, start } = options;
    const name = samplerNamed(sampler);
    const config = schedulerConfig(model.schedulerConfig, name, scheduleNamed('schedule', schedule));
    const { sigmas = [], initNoiseSigma } = createScheduler(config).plan(steps);
    const predict = predictWith(golden, model, guidance, prompts);
    const first = start ?? mul(golden.input('in.unet.noise'), initNoiseSigma);
    const denoise = cleanBy(predict, nearestTimestep);
    return runSampler(kSamplers[name]!, cut ? cut(sigmas) : sigmas, first, denoise, golden.input('in.unet.draws'))
      .result;
  };
  const output = (name: string, x: Tensor) => golden.output(`out.unet.${name}`, div(x, model.latents.scalingFactor));

  for (const [sampler, schedule] of Object.entries(runs)) output(sampler, run(sampler, schedule));
  output('combined', run('euler', 'normal', { prompts: [positive, second] }));
  output('concatenated', run('euler', 'normal', { prompts: [concat([positive, second], 1)] }));
  output('unguided', run('dpmpp_2m', 'karras', { guidance: 1 }));
  const middle = Math.floor(steps / 2);
  // KSamplerAdvanced: euler over karras
  const half = run('euler', 'karras', { cut: (sigmas) => sigmas.slice(0, middle + 1) });
  output('advanced_first', half);
  output('advanced_second', run('euler', 'karras', { cut: (sigmas) => sigmas.slice(middle), start: half }));
  output('advanced_cut', run('euler', 'karras', { cut: (sigmas) => [...sigmas.slice(0, middle), 0] }));
}

/** webui starts from sigma times noise and asks the model at fractional timesteps; results in the model's scale. */
function webuiOutputs(golden: GoldenFolder, model: LoadedModel): void {
  const { steps, cfg } = golden.settings.unet as ModelCase;
  const predict = predictWith(golden, model, cfg, [golden.input('in.unet.positive')]);
  const runs = { euler: 'uniform', dpmpp_2m: 'karras', euler_ancestral: 'uniform', dpmpp_2m_sde: 'exponential' };
  for (const [sampler, schedule] of Object.entries(runs)) {
    const sigmas = schedules[scheduleNamed('webui', schedule)](table, steps);
    const start = mul(golden.input('in.unet.noise'), sigmas[0]!);
    const denoise = cleanBy(predict, sigmaToTimestep);
    const draws = golden.input('in.unet.draws');
    golden.output(
      `out.webui.${sampler}`,
      runSampler(kSamplers[samplerNamed(sampler)]!, sigmas, start, denoise, draws).result,
    );
  }
  golden.output('out.webui.ddim', ddimOfWebui(golden, predict, steps));
}

/** DDIM between neighbours of the timesteps 1, 1 + 1000 / n, ...: one move fewer than there are. */
function ddimOfWebui(golden: GoldenFolder, predict: Predict, steps: number): Tensor {
  const spaced = { timestep_spacing: 'leading', steps_offset: 1, set_alpha_to_one: false, clip_sample: false };
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler', ...betas, ...spaced });
  const plan = scheduler.plan(steps);
  let x = golden.input('in.unet.noise');
  for (const [i, timestep] of plan.timesteps.slice(0, -1).entries())
    x = scheduler.step(plan, i, { x, modelOutput: predict(x, timestep), state: [] }).x;
  return x;
}

const table = trainingSigmas(positiveAlphasCumprod({ ...trainedDefaults, ...betas }));
const logTable = table.map(Math.log);

/** D(x, sigma) of a model that predicts noise. */
function cleanBy(predict: Predict, timestepOf: (sigma: number, logTable: Float32Array) => number) {
  return (x: Tensor, sigma: number): Tensor =>
    cleanAtLevel('epsilon', sigma, x, predict(div(x, Math.sqrt(sigma ** 2 + 1)), timestepOf(sigma, logTable)));
}
