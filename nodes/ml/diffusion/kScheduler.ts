import { UserError } from '../../errors.ts';
import { combineLinearly } from './combineLinearly.ts';
import type { KSampler, ModelCall } from './kSampler.ts';
import { ancestralOf } from './kSamplers/eulerAncestral.ts';
import { kSamplers } from './kSamplers.ts';
import { noiseSpace } from './noiseSpace.ts';
import type { Plan, Scheduler, SchedulerConfig, StepInput } from './scheduler.ts';
import { type ScheduleName, scheduleNames, schedules } from './schedules.ts';
import { unsupported } from './settings.ts';

/** Samplers that run over one level more and leave out the last but one. Source: ComfyUI KSampler.DISCARD_PENULTIMATE_SIGMA_SAMPLERS. */
const discarding = ['dpm2', 'dpm2-ancestral', 'unipc', 'unipc-bh2'];

/** Samplers whose noise k-diffusion takes from a Brownian motion over the levels. */
const brownian = ['dpm++sde', 'dpm++2m-sde', 'dpm++2m-sde-heun', 'dpm++3m-sde'];

/**
 * A sampler of `kSamplers` over a schedule of `schedules`, as ComfyUI's KSampler runs them, or over the model's own levels,
 * which may be stated by timesteps.
 * A step of a plan is a call of the model. `config.sampler` and `config.schedule` name the pair; other fields are diffusers'.
 * Source: ComfyUI samplers.py KSampler, model_sampling.py ModelSamplingDiscrete
 */
export function kScheduler(config: SchedulerConfig): Scheduler {
  const space = noiseSpace(config);
  const { table } = space;
  const name = config.sampler as string;
  if (!Object.hasOwn(kSamplers, name)) throw unsupported(config, 'sampler', name, Object.keys(kSamplers));
  if (config.schedule !== 'model' && !scheduleNames.includes(config.schedule as string))
    throw unsupported(config, 'schedule', config.schedule, ['model', ...scheduleNames]);
  const callsOf = rememberCalls((plan) => (name === 'ddim' ? ancestralOf(plan.eta) : kSamplers[name]!));
  const callAt = (plan: Plan, i: number): ModelCall => callsOf(plan)[i]!;

  return {
    config,
    takesTimesteps: config.schedule === 'model' && space.takesTimesteps,
    plan(steps, options = {}) {
      const own = config.schedule === 'model' ? space.ownPlan(steps, options) : undefined;
      const sigmas = own?.sigmas ?? levelsOf(name, config.schedule as ScheduleName, table, steps);
      const largest = table[table.length - 1]!;
      const isPure = sigmas[0]! >= largest * (1 - 1e-5);
      const plan = {
        timesteps: [],
        sigmas,
        initNoiseSigma: own?.initNoiseSigma ?? (isPure ? Math.sqrt(1 + sigmas[0]! ** 2) : sigmas[0]!),
        eta: options.eta ?? 0,
      };
      const timestepOf = (level: number): number => {
        if (!own) return space.timestep(level);
        return own.timesteps[sigmas.indexOf(level)] ?? space.ownTimestep(level);
      };
      return { ...plan, timesteps: callsOf(plan).map(({ at }) => timestepOf(at)) };
    },
    needsNoise: (plan, i) => callAt(plan, i).draw !== undefined,
    increment: (plan, i) => (brownian.includes(name) ? callAt(plan, i).draw : undefined),
    level: (plan, i) => ({ signal: 1, noise: callAt(plan, i).at }),
    canBegin: (plan, i) => i === 0 || (!name.startsWith('unipc') && plan.sigmas!.includes(callAt(plan, i).at)),
    scaleInput: (plan, i, x) => combineLinearly([space.inputScale(callAt(plan, i).at), x]),
    step<T extends Parameters<typeof combineLinearly>[0][1]>(
      plan: Plan,
      i: number,
      { x, modelOutput, state, noise = x, isIncrement = false }: StepInput<T>,
    ) {
      const call = callAt(plan, i);
      const estimate = space.clean(call.at, x, modelOutput);
      const shared = !isIncrement && sharesNoise(callAt(plan, i - 1), call);
      const drawn = shared ? continueNoise(callAt(plan, i - 1), call, state[state.length - 1]!, noise) : noise;
      const output = call.step({ x, clean: estimate, state: shared ? state.slice(0, -1) : state, noise: drawn });
      const kept = !isIncrement && sharesNoise(call, callAt(plan, i + 1)) ? [noise] : [];
      return { x: output.x as T, estimate, state: [...((output.state ?? []) as readonly T[]), ...kept] };
    },
  };
}

/** The calls of all steps of a plan, one after the other. */
function rememberCalls(samplerOf: (plan: Plan) => KSampler): (plan: Plan) => readonly ModelCall[] {
  const remembered = new WeakMap<readonly number[], readonly ModelCall[]>();
  return (plan) => {
    const { sigmas } = plan;
    if (sigmas === undefined) throw new Error('this plan has no sigmas: it was made by another scheduler');
    const calls = remembered.get(sigmas) ?? sigmas.slice(0, -1).flatMap((_, i) => samplerOf(plan)(sigmas, i));
    remembered.set(sigmas, calls);
    return calls;
  };
}

function levelsOf(name: string, schedule: ScheduleName, table: Float32Array, steps: number): number[] {
  const discards = discarding.includes(name);
  if (steps === 1 && schedule === 'kl-optimal' && !discards)
    throw new UserError('BAD_STEPS', 'Schedule kl-optimal has no list for 1 step. Use more steps or another schedule.');
  const sigmas = schedules[schedule](table, discards ? steps + 1 : steps).map(Math.fround);
  if (discards) sigmas.splice(-2, 1);
  const stays = sigmas.findIndex((level, i) => i > 0 && !(level < sigmas[i - 1]!));
  if (stays < 0) return sigmas;
  throw new UserError(
    'BAD_STEPS',
    `Schedule ${schedule} with ${steps} steps comes to noise level ${sigmas[stays]} twice. Use another number of steps or another schedule.`,
  );
}

/** Whether two calls in a row draw noise from the same level on, so that what they draw overlaps. */
function sharesNoise(before: ModelCall | undefined, call: ModelCall | undefined): boolean {
  return before?.draw !== undefined && call?.draw !== undefined && before.draw[0] === call.draw[0];
}

/**
 * The increment of one Brownian motion W over sigma that goes on where the noise of the call before ended, as a unit normal:
 * (W(to) - W(from)) / sqrt(from - to), from its part up to `middle` (drawn before) and a fresh one. Source: k-diffusion
 * BrownianTreeNoiseSampler.
 */
function continueNoise<T extends Parameters<typeof combineLinearly>[0][1]>(
  before: ModelCall,
  call: ModelCall,
  drawn: T,
  fresh: T,
): T {
  const [from, to] = call.draw!;
  const middle = before.draw![1];
  return combineLinearly(
    [Math.sqrt((from - middle) / (from - to)), drawn],
    [Math.sqrt((middle - to) / (from - to)), fresh],
  );
}
