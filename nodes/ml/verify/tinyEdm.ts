import type { SampleRequest } from '../../ports.ts';
import type { SchedulerConfig } from '../diffusion/scheduler.ts';
import { latentAutoencoder } from '../models/latentAutoencoder.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { loadDescribed } from '../models/load/modelDescription.ts';
import { stableDiffusion } from '../models/stableDiffusion.ts';
import type { Json } from '../models/unetConfig.ts';
import { concat, type Tensor4D, tidy } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import { denoiseAll } from './denoiseAll.ts';
import type { Family, GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** A model of EDM's noise levels with the weights of another. */
interface Stated {
  readonly scheduler: SchedulerConfig;
  /** Fields over those of the autoencoder's config. */
  readonly vae: Json;
  readonly steps: number;
  readonly guidance_scale: number;
}

/** Whole pipelines of models of EDM's noise levels: latents after each step, and the image. */
export const tinyEdm: Family = async (golden) => {
  const path = await locateShared(golden, golden.settings.base as string);
  const description = await describeModel(golden.files, path);
  for (const [name, stated] of Object.entries(golden.settings.models as Record<string, Stated>)) {
    const json = { ...description.autoencoder.json, ...stated.vae };
    const autoencoder = { ...description.autoencoder, json, description: latentAutoencoder(json) };
    const parts = await loadDescribed({ ...description, schedulerConfig: stated.scheduler, autoencoder }, {});
    const generator = stableDiffusion(parts);
    try {
      tidy(() => {
        const latents = denoiseAll(generator, requestFor(golden, stated));
        golden.output(`out.${name}.latents_per_step`, channelsFirst(concat(latents.slice(0, -1), 0)));
        golden.output(`out.${name}.image`, channelsFirst(generator.decode(latents.at(-1)!)));
      });
    } finally {
      generator.dispose();
    }
  }
};

function requestFor(golden: GoldenFolder, { steps, guidance_scale }: Stated): SampleRequest {
  const { prompt, negative_prompt } = golden.settings as { prompt: string; negative_prompt: string };
  const latents: Tensor4D = channelsLast(golden.input('in.pipeline.latents'));
  return {
    noise: { latents, seeds: [0] },
    prompts: [prompt],
    negativePrompt: negative_prompt,
    settings: { scheduler: 'model', steps, guidanceScale: guidance_scale, eta: 0 },
    conditions: [],
  };
}
