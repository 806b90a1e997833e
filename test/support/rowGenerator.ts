import { createScheduler } from '../../nodes/ml/diffusion/createScheduler.ts';
import { denoise } from '../../nodes/ml/diffusion/denoise.ts';
import { schedulerConfig } from '../../nodes/ml/diffusion/schedulers.ts';
import { mul, sigmoid, type Tensor4D, tanh, tidy } from '../../nodes/ml/tf.ts';
import type { Generator } from '../../nodes/ports.ts';

const config = {
  _class_name: 'DDIMScheduler',
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  timestep_spacing: 'trailing',
};

/**
 * A generator with a real sampler over a model that is a formula, so that rows may be chosen: pixels are the logistic function of
 * the latents [N, h, w, 3]. `rows` is how many rows the model was called with in each step.
 */
export function rowGenerator(): Generator & { readonly rows: number[] } {
  const rows: number[] = [];
  return {
    name: 'rows',
    bytes: 0,
    differentiable: true,
    rows,
    defaults: { scheduler: 'ddim', steps: 10, guidanceScale: 1, eta: 0, width: 4, height: 4 },
    latentShape: (width, height) => [height, width, 3],
    denoise({ noise, settings, choosesRows = false, begin }) {
      const scheduler = createScheduler(schedulerConfig(config, settings.scheduler, settings.schedule));
      const plan = scheduler.plan(settings.steps, { eta: settings.eta });
      const model = {
        predict(latents: Tensor4D): Tensor4D {
          rows.push(latents.shape[0]);
          return tidy(() => mul(tanh(latents), 0.8));
        },
      };
      return denoise(model, scheduler, plan, noise, { choosesRows, ...(begin && { begin }) });
    },
    decode: (latents) => sigmoid(latents),
    dispose: () => {},
  };
}
