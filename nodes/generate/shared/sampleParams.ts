import type { ParamValues } from '../../defineNode.ts';
import { scheduleAliases, schedulerAliases, schedulerNames } from '../../ml/diffusion/schedulers.ts';
import { scheduleNames } from '../../ml/diffusion/schedules.ts';
import { choice, integer, number, text } from '../../params.ts';
import type { Generator, SampleSettings } from '../../ports.ts';
import { readTimesteps } from './readTimesteps.ts';

/** The sampling params of every node that draws images. */
export const sampleParams = {
  scheduler: choice({
    initial: 'model',
    options: ['model', ...schedulerNames],
    aliases: schedulerAliases,
    endsWith: 'schedule',
    help: "The rule that leads from noise to image; model is the model's own.",
  }),
  steps: integer({
    initial: 0,
    min: 0,
    max: 1000,
    words: { model: 0 },
    help: "Steps from noise to image; model is the model's own number.",
  }),
  guidanceScale: number({
    initial: -1,
    min: -1,
    max: 50,
    step: 0.5,
    words: { model: -1 },
    help: "How much further than the prompt asks (classifier-free guidance); 0 and 1 are none, model is the model's own.",
  }),
  eta: number({ initial: 0, min: 0, max: 1, step: 0.1, help: 'Fresh noise in each step of DDIM; 0 is none.' }),
  negativePrompt: text({
    initial: '',
    multiline: true,
    isPrompt: true,
    help: 'What to keep away from; acts only with guidance.',
  }),
  batch: integer({
    initial: 4,
    min: 1,
    max: 256,
    help: 'Images drawn at once: more is faster and takes more memory.',
  }),
  schedule: choice({
    initial: 'model',
    options: ['model', ...scheduleNames],
    aliases: scheduleAliases,
    help: "The noise levels of the steps, as ComfyUI (webui-*: stable-diffusion-webui) lists them; model is the model's own.",
  }),
  timesteps: text({
    initial: '',
    help: "The training timesteps of the steps in place of their number, such as 999, 749, 499, 249 for DMD2's LoRA with scheduler lcm; falling, as diffusers' timesteps. Empty: spaced by the scheduler.",
  }),
};

/** The settings of a sampling run: the params, or the model's own where they say `model`. Throws UserError `BAD_PARAM`. */
export function sampleSettings({ defaults }: Generator, params: ParamValues<typeof sampleParams>): SampleSettings {
  const timesteps = readTimesteps(params.timesteps, params.steps);
  return {
    scheduler: params.scheduler === 'model' ? defaults.scheduler : params.scheduler,
    ...(params.schedule !== 'model' && { schedule: params.schedule }),
    ...(timesteps && { timesteps }),
    steps: timesteps?.length ?? (params.steps || defaults.steps),
    guidanceScale: params.guidanceScale < 0 ? defaults.guidanceScale : params.guidanceScale,
    eta: params.eta,
  };
}
