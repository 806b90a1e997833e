import type { Files } from '../../nodes/files.ts';
import type { ModelRun } from './runTraining.ts';

/** How a built-in model is trained unless the command says otherwise. */
interface Recipe extends Pick<ModelRun, 'steps' | 'batch' | 'learningRate' | 'seed' | 'from'> {
  /** Loads the training, which writes its checkpoint and the model into the run's folder. */
  load(): Promise<(run: ModelRun, files: Files) => Promise<void>>;
}

const clip = () => import('./trainClip.ts');
const oneStep = () => import('./trainOneStep.ts');
const image = () => import('./trainImage.ts');

/** The built-in models that can be trained, by name. */
export const recipes: Readonly<Record<string, Recipe>> = {
  'text-to-image': recipe(20_000, 32, 6e-4, 1, async () => (await import('./trainTextToImage.ts')).trainTextToImage),
  'few-step': recipe(640, 32, 3e-4, 9, async () => (await oneStep()).trainFewStep, 'builtin:world'),
  'one-step': recipe(1100, 32, 1e-4, 10, async () => (await oneStep()).trainOneStep, 'builtin:world-one-step'),
  clip: recipe(11_500, 32, 7e-4, 1, async () => (await clip()).trainClip),
  preference: recipe(700, 48, 7e-4, 2, async () => (await clip()).trainPreference, 'builtin:world-clip'),
  'clip-generated': recipe(800, 24, 3e-4, 11, async () => (await clip()).trainClipOnGenerated, 'builtin:world-clip'),
  'preference-generated': recipe(
    ...([800, 24, 3e-4, 12] as const),
    async () => (await clip()).trainPreferenceOnGenerated,
    'builtin:world-preference',
  ),
  aesthetic: recipe(1200, 64, 0.3, 3, async () => (await import('./trainAesthetic.ts')).trainAesthetic),
  segmentation: recipe(1500, 8, 3e-3, 4, async () => (await image()).trainSegmentation),
  depth: recipe(800, 8, 3e-3, 5, async () => (await image()).trainDepth),
  controlnet: recipe(1500, 16, 3e-4, 6, async () => (await import('./trainControlNet.ts')).trainControlNet),
};

function recipe(
  steps: number,
  batch: number,
  learningRate: number,
  seed: number,
  load: Recipe['load'],
  from?: string,
): Recipe {
  return { steps, batch, learningRate, seed, load, ...(from && { from }) };
}
