import { kSamplers } from '../diffusion/kSamplers.ts';
import { scheduleAliases, schedulerAliases } from '../diffusion/schedulers.ts';
import { type ScheduleName, schedules } from '../diffusion/schedules.ts';

/** What Stable Diffusion 1 was trained with: the family's lists are of its levels. */
export const betas = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };

/** The schedule that ComfyUI (`schedule`) or webui calls so. */
export function scheduleNamed(program: string, name: string): ScheduleName {
  const webui: Record<string, ScheduleName> = {
    kl_optimal: 'webui-kl-optimal',
    beta: 'webui-beta',
    align_your_steps: 'webui-ays',
    align_your_steps_sdxl: 'webui-ays-sdxl',
    ddim: 'ddim-uniform',
  };
  if (program === 'webui' && Object.hasOwn(webui, name)) return webui[name]!;
  const found = Object.keys(schedules).find((each) => each === name || scheduleAliases[each]?.includes(name));
  if (found === undefined) throw new Error(`There is no schedule ${name}.`);
  return found as ScheduleName;
}

/** Name here of what ComfyUI calls so. */
export function samplerNamed(name: string): string {
  const found = Object.keys(kSamplers).find((each) => each === name || schedulerAliases[each]?.includes(name));
  if (found === undefined) throw new Error(`There is no sampler ${name}.`);
  return found;
}
