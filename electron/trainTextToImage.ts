import { join } from 'node:path';
import type { Files } from '../nodes/files.ts';
import { alphasCumprod } from '../nodes/ml/diffusion/noiseSchedule.ts';
import { clipTokenizer } from '../nodes/ml/text/clipTokenizer.ts';
import { textToImageConfigs as configs, promptLength } from '../nodes/ml/train/textToImage.ts';
import { textToImageTraining, worldBasis } from '../nodes/ml/train/textToImageTraining.ts';
import { exportTextToImage } from './exportTextToImage.ts';
import { runTraining, type TrainingRun } from './training.ts';

export interface TextToImageRun extends Pick<TrainingRun, 'folder' | 'steps' | 'signal' | 'onStep' | 'seed'> {
  readonly batch: number;
  readonly learningRate: number;
}

/** Scenes whose patches give the latent basis. */
const basisScenes = 1500;

/** What is trained: the world's scenes, the latent basis made from them, both networks. */
export function prepareTextToImage({ seed, batch }: Pick<TextToImageRun, 'seed' | 'batch'>) {
  const tokenizer = clipTokenizer(configs.vocabulary, {}, 'the built-in vocabulary');
  const remembered = new Map<string, number[]>();
  const idsOf = (caption: string) => {
    const ids = remembered.get(caption) ?? tokenizer.encode(caption, promptLength);
    remembered.set(caption, ids);
    return ids;
  };
  const basis = worldBasis(seed, basisScenes);
  const training = textToImageTraining(
    { seed, batch, captionDropout: 0.1 },
    basis,
    (captions) => captions.map(idsOf),
    alphasCumprod({ ...configs.scheduler, trained_betas: null, rescale_betas_zero_snr: false }),
  );
  return { basis, training };
}

/**
 * Trains the built-in text-to-image model in `folder`, going on from its checkpoint where there is one, and writes the
 * moving average as a diffusers folder `folder/model`.
 */
export async function trainTextToImage(run: TextToImageRun, files: Files): Promise<void> {
  const { seed, batch, learningRate } = run;
  const { textEncoder, unet, vae, scheduler } = configs;
  const { basis, training } = prepareTextToImage(run);
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
  await exportTextToImage(join(run.folder, 'model'), training, optimiser.average, basis);
  training.dispose();
}
