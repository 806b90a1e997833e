import { join } from 'node:path';
import type { Files } from '../../nodes/files.ts';
import { alphasCumprod } from '../../nodes/ml/diffusion/noiseSchedule.ts';
import { textToImageConfigs as configs } from '../../nodes/ml/train/textToImage.ts';
import { textToImageTraining, type WorldLatents, worldBasis } from '../../nodes/ml/train/textToImageTraining.ts';
import { captionIds } from '../../nodes/ml/train/worldClip.ts';
import { exportTextToImage } from './exportTextToImage.ts';
import { type ModelRun, runTraining } from './runTraining.ts';

/** Scenes whose patches give the latent basis. */
const BASIS_SCENES = 1500;

/** The world as the text-to-image model and what is distilled from it see it. */
export function worldLatents(): WorldLatents {
  return {
    basis: worldBasis(1, BASIS_SCENES),
    tokenize: captionIds(),
    alphasCumprod: alphasCumprod({ ...configs.scheduler, trained_betas: null, rescale_betas_zero_snr: false }),
  };
}

/**
 * Trains the built-in text-to-image model in `folder`, going on from its checkpoint where there is one, and writes the
 * moving average as a diffusers folder `folder/model`.
 */
export async function trainTextToImage(run: ModelRun, files: Files): Promise<void> {
  const { seed, batch, learningRate } = run;
  const { textEncoder, unet, vae, scheduler } = configs;
  const world = worldLatents();
  const training = textToImageTraining({ seed, batch, captionDropout: 0.1 }, world);
  const { optimiser } = await runTraining(
    training,
    {
      ...run,
      identity: JSON.stringify({
        name: 'text-to-image',
        seed,
        batch,
        learningRate,
        textEncoder,
        unet,
        vae,
        scheduler,
      }),
      warmUp: 200,
      optimiser: {
        learningRate,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weightDecay: 0.01,
        clipNorm: 1,
        averageDecay: 0.999,
      },
      saveEvery: 120,
    },
    files,
  );
  await exportTextToImage(join(run.folder, 'model'), optimiser.average, world.basis);
  training.dispose();
}
