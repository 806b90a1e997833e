import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { clone, type Tensor, tidy } from '../tf.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { dpmSolver } from './dpmSolver.ts';
import { euler } from './euler.ts';
import { eulerAncestral } from './eulerAncestral.ts';
import { flowEuler } from './flowEuler.ts';
import { kScheduler } from './kScheduler.ts';
import { lcm } from './lcm.ts';
import { pndm } from './pndm.ts';
import type { Plan, Scheduler, SchedulerConfig, StepInput, StepOutput } from './scheduler.ts';
import { uniPc } from './uniPc.ts';

const samplers = new Map<unknown, (config: SchedulerConfig) => Scheduler>(
  Object.entries({
    DDIMScheduler: ddim,
    DDPMScheduler: ddpm,
    DPMSolverMultistepScheduler: dpmSolver,
    EulerAncestralDiscreteScheduler: eulerAncestral,
    EulerDiscreteScheduler: euler,
    FlowMatchEulerDiscreteScheduler: flowEuler,
    KSampler: kScheduler,
    LCMScheduler: lcm,
    PNDMScheduler: pndm,
    UniPCMultistepScheduler: uniPc,
  }),
);

/**
 * The scheduler that a diffusers `scheduler_config.json` describes (parse it with `parseSchedulerConfig`, or derive it
 * with `schedulerConfig` of schedulers.ts). Throws UserError `UNSUPPORTED` for what is not implemented, `BAD_CONFIG` for a wrong type.
 */
export function createScheduler(config: SchedulerConfig): Scheduler {
  const sampler = samplers.get(config._class_name);
  if (sampler === undefined) {
    throw new UserError(
      'UNSUPPORTED',
      `Scheduler class ${quote(config._class_name)} is not supported; supported: ${[...samplers.keys()].filter((name) => name !== 'KSampler').join(', ')}. Choose a scheduler by name instead of the model's own.`,
    );
  }
  const scheduler = sampler(config);
  return {
    ...scheduler,
    plan(steps, options) {
      const most = typeof config.num_train_timesteps === 'number' ? config.num_train_timesteps : 1000;
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
