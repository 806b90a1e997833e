import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { isEdm } from './edm.ts';
import { kSamplers } from './kSamplers.ts';
import type { SchedulerConfig } from './scheduler.ts';

const dpm = { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver++', solver_order: 2 };
const uniPc = { _class_name: 'UniPCMultistepScheduler', solver_order: 2 };
const plain = { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false };
const karras = { ...plain, use_karras_sigmas: true };

/** The fields that each name sets over the model's own config; a `KSampler` is sampled by `kScheduler`. */
const changes = new Map<string, SchedulerConfig>(
  Object.entries({
    euler: { _class_name: 'EulerDiscreteScheduler' },
    'euler-ancestral': { _class_name: 'EulerAncestralDiscreteScheduler' },
    heun: { _class_name: 'KSampler' },
    dpm2: { _class_name: 'KSampler' },
    'dpm2-ancestral': { _class_name: 'KSampler' },
    lms: { _class_name: 'KSampler' },
    ddim: { _class_name: 'DDIMScheduler' },
    ddpm: { _class_name: 'DDPMScheduler' },
    'dpm++2s-ancestral': { _class_name: 'KSampler' },
    'dpm++sde': { _class_name: 'KSampler' },
    'dpm++2m': { ...dpm, ...plain },
    'dpm++2m-karras': { ...dpm, ...karras },
    'dpm++2m-sde': { _class_name: 'KSampler' },
    'dpm++2m-sde-heun': { _class_name: 'KSampler' },
    'dpm++3m-sde': { _class_name: 'KSampler' },
    'dpm-v3': { _class_name: 'DPMSolverV3Scheduler' },
    lcm: { _class_name: 'LCMScheduler' },
    'res-multistep': { _class_name: 'KSampler' },
    unipc: { ...uniPc, ...plain },
    'unipc-bh2': { ...uniPc, ...plain, solver_type: 'bh2' },
    'unipc-karras': { ...uniPc, ...karras },
    pndm: { _class_name: 'PNDMScheduler' },
    'flow-euler': { _class_name: 'FlowMatchEulerDiscreteScheduler' },
  }),
);

/** Schedulers that a user may pick besides 'model', the model's own. */
export const schedulerNames: readonly string[] = [...changes.keys()];

/** What ComfyUI, k-diffusion, stable-diffusion-webui and diffusers call them. Their other samplers have no counterpart here. */
export const schedulerAliases: Readonly<Record<string, readonly string[]>> = {
  euler: ['k_euler', 'sample_euler', 'EulerDiscreteScheduler', 'euler_discrete'],
  'euler-ancestral': [
    'euler_ancestral',
    'euler_a',
    'k_euler_a',
    'k_euler_ancestral',
    'sample_euler_ancestral',
    'EulerAncestralDiscreteScheduler',
    'euler_ancestral_discrete',
  ],
  heun: ['k_heun', 'sample_heun', 'HeunDiscreteScheduler', 'heun_discrete'],
  dpm2: ['dpm_2', 'k_dpm_2', 'sample_dpm_2', 'KDPM2DiscreteScheduler', 'kdpm2_discrete'],
  'dpm2-ancestral': [
    'dpm_2_ancestral',
    'DPM2 a',
    'k_dpm_2_a',
    'k_dpm_2_ancestral',
    'sample_dpm_2_ancestral',
    'KDPM2AncestralDiscreteScheduler',
    'kdpm2_ancestral_discrete',
  ],
  lms: ['k_lms', 'sample_lms', 'LMSDiscreteScheduler', 'lms_discrete'],
  ddim: ['DDIMScheduler'],
  ddpm: ['DDPMScheduler'],
  'dpm++2s-ancestral': [
    'dpmpp_2s_ancestral',
    'DPM++ 2S a',
    'k_dpmpp_2s_a',
    'sample_dpmpp_2s_ancestral',
    'DPMSolverSinglestepScheduler',
  ],
  'dpm++sde': ['dpmpp_sde', 'dpmpp_sde_gpu', 'k_dpmpp_sde', 'sample_dpmpp_sde', 'DPMSolverSDEScheduler'],
  'dpm++2m': [
    'dpmpp_2m',
    'k_dpmpp_2m',
    'sample_dpmpp_2m',
    'DPMSolverMultistepScheduler',
    'DPMSolverMultistep',
    'dpmsolver++',
    'dpm_multistep',
  ],
  'dpm++2m-karras': ['k_dpmpp_2m_karras', 'k_dpmpp_2m_ka', 'dpmpp_2m_k'],
  'dpm++2m-sde': ['dpmpp_2m_sde', 'dpmpp_2m_sde_gpu', 'k_dpmpp_2m_sde', 'sample_dpmpp_2m_sde'],
  'dpm++2m-sde-heun': ['dpmpp_2m_sde_heun', 'dpmpp_2m_sde_heun_gpu'],
  'dpm++3m-sde': ['dpmpp_3m_sde', 'dpmpp_3m_sde_gpu', 'k_dpmpp_3m_sde', 'sample_dpmpp_3m_sde'],
  'dpm-v3': ['dpm_solver_v3', 'DPM-Solver-v3'],
  lcm: ['LCMScheduler', 'sample_lcm'],
  'res-multistep': ['res_multistep', 'sample_res_multistep'],
  unipc: ['uni_pc', 'UniPCMultistepScheduler', 'UniPCMultistep'],
  'unipc-bh2': ['uni_pc_bh2'],
  'unipc-karras': ['unipc_k', 'uni_pc_karras'],
  pndm: ['PNDMScheduler', 'plms'],
  'flow-euler': ['FlowMatchEulerDiscreteScheduler', 'flow_match_euler', 'flow_match_euler_discrete'],
};

/** What ComfyUI and stable-diffusion-webui call the schedules. */
export const scheduleAliases: Readonly<Record<string, readonly string[]>> = {
  normal: ['uniform'],
  exponential: ['polyexponential'],
  'sgm-uniform': ['sgm_uniform'],
  'ddim-uniform': ['ddim_uniform', 'DDIM'],
  'linear-quadratic': ['linear_quadratic'],
  'kl-optimal': ['kl_optimal'],
  ays: ['AYS', 'ays_sd1', 'AlignYourSteps', 'align_your_steps_sd1'],
  'ays-sdxl': ['ays_sdxl', 'AlignYourStepsSDXL', 'align_your_steps_xl'],
  'webui-ays': ['Align Your Steps', 'align_your_steps'],
};

/**
 * The config of the named scheduler over the named schedule, for a model with the config `base`, as diffusers' `from_config`
 * derives it: fields that `base` states carry over, others have the named class's defaults. `schedule` 'model' is the
 * spacing of `base`; others (`schedules`) are run by `kScheduler`. The solvers take a flow model by their flow form; no other
 * exchange between flow and other models makes sense. A model of EDM's noise levels is run by `kScheduler`.
 * Throws UserError `UNKNOWN_SCHEDULER` or `UNSUPPORTED`.
 */
export function schedulerConfig(base: SchedulerConfig, name: string, schedule = 'model'): SchedulerConfig {
  if (name !== 'model' && !changes.has(name))
    throw new UserError(
      'UNKNOWN_SCHEDULER',
      `There is no scheduler ${quote(name)}; choose one of model, ${schedulerNames.join(', ')}.`,
    );
  if (isEdm(base)) return edmConfig(base, name, schedule);
  const flow = base._class_name === 'FlowMatchEulerDiscreteScheduler' || base.prediction_type === 'flow_prediction';
  if (schedule !== 'model') return scheduledConfig(base, name, schedule, flow);
  if (name === 'model') return base;
  const chosen = changes.get(name)!;
  const own = chosen._class_name === 'KSampler' ? { ...chosen, sampler: name, schedule } : chosen;
  if (flow === (name === 'flow-euler')) return { ...base, ...own };
  if (flow && ['unipc', 'unipc-bh2', 'dpm++2m'].includes(name)) {
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

/** Over a list of noise levels, only the samplers of `kSamplers` run. */
function scheduledConfig(base: SchedulerConfig, name: string, schedule: string, flow: boolean): SchedulerConfig {
  const sampler = name === 'model' ? samplerOf(base) : name;
  if (flow)
    throw new UserError(
      'UNSUPPORTED',
      `Schedule ${schedule} is for models with noise levels, but this one is a flow-matching model; set the schedule to model.`,
    );
  if (sampler !== undefined && Object.hasOwn(kSamplers, sampler))
    return { ...base, _class_name: 'KSampler', sampler, schedule };
  const called = name === 'model' ? `the model's own scheduler ${base._class_name}` : `scheduler ${name}`;
  throw new UserError(
    'UNSUPPORTED',
    `Schedule ${schedule} cannot be used with ${called}, which runs over timesteps of its own. Set the schedule to model, or choose one of the schedulers ${Object.keys(kSamplers).join(', ')}.`,
  );
}

/** For a model of EDM's noise levels: any sampler in noise levels, over any list of them that does not belong to other models. */
function edmConfig(base: SchedulerConfig, name: string, schedule: string): SchedulerConfig {
  if (name === 'model' && schedule === 'model') return base;
  const own = base._class_name === 'EDMEulerScheduler' ? 'euler' : 'dpm++2m';
  const isKarras = name.endsWith('-karras') && schedule === 'model';
  const sampler = name === 'model' ? own : name.replace(/-karras$/, '');
  const levels = isKarras ? 'karras' : schedule;
  if (!Object.hasOwn(kSamplers, sampler))
    throw new UserError(
      'UNSUPPORTED',
      `Scheduler ${name} runs over timesteps, and this model was trained on EDM's noise levels without any; choose one of model, ${Object.keys(kSamplers).join(', ')}.`,
    );
  if (/\bays\b/.test(levels))
    throw new UserError(
      'UNSUPPORTED',
      `Schedule ${levels} is a list of noise levels for Stable Diffusion 1 or XL, and this model was trained on those of EDM; set the schedule to model, karras or exponential.`,
    );
  return { ...base, _class_name: 'KSampler', edm: true, sampler, schedule: levels };
}

/** The sampler that a model's own scheduler class is. */
function samplerOf({ _class_name }: SchedulerConfig): string | undefined {
  return schedulerNames.find((name) => changes.get(name)?._class_name === _class_name);
}
