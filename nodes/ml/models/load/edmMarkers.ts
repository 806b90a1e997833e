import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { badCheckpoint, elementCount } from '../../weights/checkpoint.ts';
import type { WholeFile } from '../../weights/wholeFile.ts';
import type { Json } from '../unetConfig.ts';

/** What a file says of the noise levels of EDM on which its U-Net was trained. */
export interface EdmMarkers {
  readonly schedulerConfig: SchedulerConfig;
  /** Fields of the autoencoder's config. */
  readonly autoencoder: Json;
  readonly recommended: { readonly steps: number; readonly guidanceScale: number };
}

/** As Playground v2.5 was trained. Source: its scheduler_config.json; arXiv 2402.17245 */
export const playgroundScheduler: SchedulerConfig = {
  _class_name: 'EDMDPMSolverMultistepScheduler',
  prediction_type: 'epsilon',
  sigma_min: 0.002,
  sigma_max: 80,
  sigma_data: 0.5,
  solver_order: 2,
};

/** As CosXL was trained. Source: diffusers, EDMEulerScheduler of stabilityai/cosxl; ComfyUI ModelType.V_PREDICTION_EDM */
export const cosxlScheduler: SchedulerConfig = {
  _class_name: 'EDMEulerScheduler',
  prediction_type: 'v_prediction',
  sigma_min: 0.002,
  sigma_max: 120,
  sigma_data: 1,
  sigma_schedule: 'exponential',
};

/** Fields of the autoencoder's config of Playground v2.5. Source: its vae/config.json; ComfyUI SDXL_Playground_2_5 */
export const playgroundLatents = {
  scaling_factor: 0.5,
  latents_mean: [-1.6574, 1.886, -1.383, 2.5155],
  latents_std: [8.4927, 5.9022, 6.5498, 5.2299],
};

/** Values of a marker, at most: latents have as many channels. */
const MOST_CHANNELS = 64;

/**
 * What the marker tensors of a single file say, as ComfyUI and diffusers read them: `edm_mean` and `edm_std` of Playground
 * v2.5 are the statistics of its latents, `edm_vpred.sigma_max` and `edm_vpred.sigma_min` of CosXL its noise levels.
 * Undefined where there are none. Throws UserError `BAD_CHECKPOINT`.
 */
export async function readEdmMarkers(file: WholeFile): Promise<EdmMarkers | undefined> {
  const [mean, std] = [await valuesOf(file, 'edm_mean'), await valuesOf(file, 'edm_std')];
  const [sigmaMax, sigmaMin] = [
    await valuesOf(file, 'edm_vpred.sigma_max'),
    await valuesOf(file, 'edm_vpred.sigma_min'),
  ];
  if (mean || std) {
    if (!mean || !std)
      throw badCheckpoint(file.path, `it has ${mean ? 'edm_mean' : 'edm_std'} without the other of the two`);
    return {
      schedulerConfig: playgroundScheduler,
      autoencoder: { ...playgroundLatents, latents_mean: mean, latents_std: std },
      recommended: { steps: 50, guidanceScale: 3 },
    };
  }
  if (!sigmaMax && !sigmaMin) return undefined;
  return {
    schedulerConfig: {
      ...cosxlScheduler,
      ...(sigmaMax && { sigma_max: sigmaMax[0] }),
      ...(sigmaMin && { sigma_min: sigmaMin[0] }),
    },
    autoencoder: {},
    recommended: { steps: 30, guidanceScale: 5 },
  };
}

/** The values of a small tensor, as a list; undefined where the file has none of that name. */
async function valuesOf(file: WholeFile, name: string): Promise<number[] | undefined> {
  if (!file.has(name)) return undefined;
  const count = elementCount(file.entry(name).shape) ?? 0;
  if (count < 1 || count > MOST_CHANNELS) throw badCheckpoint(file.path, `"${name}" has ${count} values`);
  return Array.from(await file.read(name), Number);
}
