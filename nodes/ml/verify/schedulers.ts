import { joinPath } from '../../files.ts';
import { createScheduler } from '../diffusion/createScheduler.ts';
import type { Plan, Scheduler } from '../diffusion/scheduler.ts';
import { parseSchedulerConfig } from '../diffusion/settings.ts';
import { gather, mul, reshape, stack, type Tensor, tidy } from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';

/** A case of case.json: how many steps its chain has, and DDIM's eta. */
interface SchedulerCase {
  readonly class: string;
  readonly chain_steps: number;
  readonly eta?: number;
  readonly mu?: number;
  /** Stated ones of the chain, in place of the scheduler's own. */
  readonly timesteps?: readonly number[];
}

/**
 * Schedulers against diffusers: the tables of timesteps and sigmas for several step counts, and a chain of steps on
 * given model outputs and noise.
 */
export const schedulers: Family = async (golden) => {
  const cases = golden.settings.cases as Record<string, SchedulerCase>;
  for (const [name, chain] of Object.entries(cases)) {
    if (!golden.wanted.some((row) => row.name.startsWith(`out.${name}.`))) continue;
    const bytes = await golden.files.read(joinPath(golden.path, `${name}/scheduler_config.json`));
    const config = parseSchedulerConfig(new TextDecoder().decode(bytes));
    const scheduler = createScheduler({ _class_name: chain.class, ...config });
    outputTables(golden, name, scheduler, chain);
    outputChain(golden, name, scheduler, chain);
  }
};

function outputTables(golden: GoldenFolder, name: string, scheduler: Scheduler, chain: SchedulerCase): void {
  const wanted = golden.wanted.map((row) => row.name).filter((row) => row.startsWith(`out.${name}.`));
  if (!wanted.some((row) => row.endsWith('.table_lengths') || row.endsWith('_by_steps'))) return;
  const plans = (golden.settings.tables as number[]).map((steps) => scheduler.plan(steps, chain));
  const tables = {
    table_lengths: [plans.map((plan) => plan.timesteps.length), plans.map((plan) => plan.sigmas?.length ?? 0)],
    timesteps_by_steps: plans.map((plan) => plan.timesteps),
    sigmas_by_steps: plans.map((plan) => plan.sigmas ?? []),
  };
  for (const [what, values] of Object.entries(tables)) golden.output(`out.${name}.${what}`, values.flat());
}

function outputChain(golden: GoldenFolder, name: string, scheduler: Scheduler, chain: SchedulerCase): void {
  const plan = scheduler.plan(chain.chain_steps, chain);
  golden.output(`out.${name}.init_noise_sigma`, [plan.initNoiseSigma]);
  tidy(() => {
    for (const [what, tensors] of Object.entries(runChain(golden, scheduler, plan))) {
      const row = golden.wanted.find((wanted) => wanted.name === `out.${name}.${what}`);
      if (row) golden.output(row.name, reshape(stack(tensors), [...row.shape]));
    }
  });
}

/** Every step's scaled model input and resulting sample, from the k-th model output and the k-th noise drawn. */
function runChain(golden: GoldenFolder, scheduler: Scheduler, plan: Plan): { scaled: Tensor[]; prev_sample: Tensor[] } {
  let x: Tensor = mul(golden.input('in.sample'), plan.initNoiseSigma);
  let state: Tensor[] = [];
  let drawn = 0;
  const scaled: Tensor[] = [];
  const samples: Tensor[] = [];
  for (const i of plan.timesteps.keys()) {
    scaled.push(scheduler.scaleInput(plan, i, x));
    const modelOutput = gather(golden.input('in.model_outputs'), i);
    const noise = scheduler.needsNoise(plan, i) ? { noise: gather(golden.input('in.noise'), drawn++) } : {};
    ({ x, state } = scheduler.step(plan, i, { x, modelOutput, state, ...noise }));
    samples.push(x);
  }
  return { scaled, prev_sample: samples };
}
