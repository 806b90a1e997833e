import { UserError } from '../../errors.ts';
import type { Statistics } from '../../ports.ts';
import { quote } from '../../quote.ts';
import { clone, type Tensor, tidy } from '../tf.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { dpmSolver } from './dpmSolver.ts';
import { dpmSolverV3, dpmV3Defaults } from './dpmSolverV3.ts';
import { edmDpmSolver } from './edmDpmSolver.ts';
import { euler } from './euler.ts';
import { eulerAncestral } from './eulerAncestral.ts';
import { flowEuler } from './flowEuler.ts';
import { kScheduler } from './kScheduler.ts';
import { lcm } from './lcm.ts';
import { pndm } from './pndm.ts';
import type { Plan, Scheduler, SchedulerConfig, StepInput, StepOutput } from './scheduler.ts';
import { uniPc } from './uniPc.ts';

const samplers = new Map<unknown, (config: SchedulerConfig, statistics?: Statistics) => Scheduler>(
  Object.entries({
    DDIMScheduler: ddim,
    DDPMScheduler: ddpm,
    DPMSolverMultistepScheduler: dpmSolver,
    DPMSolverV3Scheduler: (config, statistics) =>
      dpmSolverV3(config, statistics, {
        ...dpmV3Defaults,
        ...(statistics && { order: statistics.order, corrector: statistics.corrector }),
      }),
    EDMDPMSolverMultistepScheduler: edmDpmSolver,
    EDMEulerScheduler: (config) => kScheduler({ ...config, edm: true, sampler: 'euler', schedule: 'model' }),
    EulerAncestralDiscreteScheduler: eulerAncestral,
    EulerDiscreteScheduler: euler,
    FlowMatchEulerDiscreteScheduler: flowEuler,
    KSampler: kScheduler,
    LCMScheduler: lcm,
    PNDMScheduler: pndm,
    UniPCMultistepScheduler: uniPc,
  }),
);

/** Names of classes that no config of diffusers has. */
const ownClasses: readonly unknown[] = ['KSampler', 'DPMSolverV3Scheduler'];

/**
 * The scheduler that a diffusers `scheduler_config.json` describes (parse it with `parseSchedulerConfig`, or derive it
 * with `schedulerConfig` of schedulers.ts). `statistics` are read by dpm-v3 alone. Throws UserError `UNSUPPORTED` for what is not implemented, `BAD_CONFIG` for a wrong type.
 */
export function createScheduler(config: SchedulerConfig, statistics?: Statistics): Scheduler {
  const sampler = samplers.get(config._class_name);
  if (sampler === undefined) {
    throw new UserError(
      'UNSUPPORTED',
      `Scheduler class ${quote(config._class_name)} is not supported; supported: ${[...samplers.keys()].filter((name) => !ownClasses.includes(name)).join(', ')}. Choose a scheduler by name instead of the model's own.`,
    );
  }
  const scheduler = sampler(config, statistics);
  return {
    ...scheduler,
    plan(steps, options) {
      const most = typeof config.num_train_timesteps === 'number' ? config.num_train_timesteps : 1000;
      if (options?.timesteps) checkStated(options.timesteps, scheduler, most);
      if (!Number.isInteger(steps) || steps < 1 || steps > most) {
        throw new UserError('BAD_STEPS', `The number of steps is ${steps}, but must be an integer from 1 to ${most}.`);
      }
      return scheduler.plan(steps, options);
    },
    step<T extends Tensor>(plan: Plan, i: number, input: StepInput<T>): StepOutput<T> {
      // An interface is not a TensorContainer to the compiler, though it is one to tidy.
      return tidy(() => owned(input, scheduler.step(plan, i, input)) as never);
    },
  };
}

/** Throws UserError `UNSUPPORTED` or `BAD_STEPS` where a scheduler cannot take these timesteps. */
function checkStated(timesteps: readonly number[], { takesTimesteps, config }: Scheduler, count: number): void {
  const list = timesteps.slice(0, 20).join(', ');
  const name = config.sampler ? `Scheduler ${config.sampler} with schedule ${config.schedule}` : config._class_name;
  if (!takesTimesteps)
    throw new UserError(
      'UNSUPPORTED',
      `${name} of this model cannot take the timesteps ${list}, because it spaces its steps itself. Leave timesteps empty, or choose lcm, euler, heun, ddpm or dpm++2m with schedule model.`,
      { at: { param: 'timesteps' } },
    );
  const wrong = timesteps.findIndex(
    (timestep, i) => !Number.isInteger(timestep) || timestep < 0 || timestep >= (timesteps[i - 1] ?? count),
  );
  if (wrong < 0) return;
  throw new UserError(
    'BAD_STEPS',
    `The timesteps ${list} are not whole numbers that fall from at most ${count - 1} to 0: number ${wrong + 1} is ${timesteps[wrong]}.`,
    { at: { param: 'timesteps' } },
  );
}

/** Clones what occurs twice or was an argument, so that every tensor returned is a new one. */
function owned<T extends Tensor>(input: StepInput<T>, output: StepOutput<T>): StepOutput<T> {
  const taken = new Set<T | undefined>([input.x, input.modelOutput, input.noise, ...input.state]);
  const own = (tensor: T): T => {
    const result = taken.has(tensor) ? clone(tensor) : tensor;
    taken.add(result);
    return result;
  };
  return { x: own(output.x), estimate: own(output.estimate), state: output.state.map(own) };
}
