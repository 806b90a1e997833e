import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import type { SchedulerConfig } from './scheduler.ts';

const dpm = { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver++', solver_order: 2 };
const uniPc = { _class_name: 'UniPCMultistepScheduler', solver_order: 2 };
const plain = { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false };
const karras = { ...plain, use_karras_sigmas: true };

/** The fields that each name sets over the model's own config. */
const changes = new Map<string, SchedulerConfig>(
  Object.entries({
    euler: { _class_name: 'EulerDiscreteScheduler' },
    'euler-ancestral': { _class_name: 'EulerAncestralDiscreteScheduler' },
    ddim: { _class_name: 'DDIMScheduler' },
    ddpm: { _class_name: 'DDPMScheduler' },
    'dpm++2m': { ...dpm, ...plain },
    'dpm++2m-karras': { ...dpm, ...karras },
    lcm: { _class_name: 'LCMScheduler' },
    unipc: { ...uniPc, ...plain },
    'unipc-karras': { ...uniPc, ...karras },
    pndm: { _class_name: 'PNDMScheduler' },
    'flow-euler': { _class_name: 'FlowMatchEulerDiscreteScheduler' },
  }),
);

/** Schedulers that a user may pick besides 'model', the model's own. */
export const schedulerNames: readonly string[] = [...changes.keys()];

/**
 * What ComfyUI, k-diffusion, stable-diffusion-webui and diffusers call them. Their other samplers have no counterpart
 * here, and neither have their spacings of timesteps, which are the model's own.
 */
export const schedulerAliases: Readonly<Record<string, readonly string[]>> = {
  euler: ['k_euler', 'sample_euler', 'EulerDiscreteScheduler', 'euler_discrete'],
  'euler-ancestral': [
    'euler_a',
    'k_euler_a',
    'k_euler_ancestral',
    'sample_euler_ancestral',
    'EulerAncestralDiscreteScheduler',
    'euler_ancestral_discrete',
  ],
  ddim: ['DDIMScheduler'],
  ddpm: ['DDPMScheduler'],
  'dpm++2m': [
    'k_dpmpp_2m',
    'sample_dpmpp_2m',
    'DPMSolverMultistepScheduler',
    'DPMSolverMultistep',
    'dpmsolver++',
    'dpm_multistep',
  ],
  'dpm++2m-karras': ['k_dpmpp_2m_karras', 'k_dpmpp_2m_ka', 'dpmpp_2m_k'],
  lcm: ['LCMScheduler', 'sample_lcm'],
  unipc: ['uni_pc_bh2', 'UniPCMultistepScheduler', 'UniPCMultistep'],
  'unipc-karras': ['unipc_k', 'uni_pc_bh2_karras'],
  pndm: ['PNDMScheduler', 'plms'],
  'flow-euler': ['FlowMatchEulerDiscreteScheduler', 'flow_match_euler', 'flow_match_euler_discrete'],
};

/**
 * The config of the named scheduler for a model with the config `base`, as diffusers' `from_config` derives it: fields
 * that `base` states carry over, others have the named class's defaults. The solvers take a flow model by their flow
 * form; no other exchange between flow and other models makes sense.
 * Throws UserError `UNKNOWN_SCHEDULER` or `UNSUPPORTED`.
 */
export function schedulerConfig(base: SchedulerConfig, name: string): SchedulerConfig {
  if (name === 'model') return base;
  const chosen = changes.get(name);
  if (chosen === undefined) {
    throw new UserError(
      'UNKNOWN_SCHEDULER',
      `There is no scheduler ${quote(name)}; choose one of model, ${schedulerNames.join(', ')}.`,
    );
  }
  const flow = base._class_name === 'FlowMatchEulerDiscreteScheduler' || base.prediction_type === 'flow_prediction';
  if (flow === (name === 'flow-euler')) return { ...base, ...chosen };
  if (flow && (name === 'unipc' || name === 'dpm++2m')) {
    const flow_shift = base.flow_shift ?? base.shift ?? 1;
    return { ...base, ...chosen, prediction_type: 'flow_prediction', use_flow_sigmas: true, flow_shift };
  }
  throw new UserError(
    'UNSUPPORTED',
    flow
      ? `Scheduler ${name} cannot sample a flow-matching model; choose one of model, flow-euler, unipc, dpm++2m.`
      : `Scheduler ${name} needs a flow-matching model, but this one was trained for ${base._class_name}; choose another scheduler.`,
  );
}
