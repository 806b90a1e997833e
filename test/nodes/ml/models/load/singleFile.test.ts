import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../../../nodes/files.ts';
import { loadGenerator } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise } from '../../../../../nodes/ml/random.ts';
import { tidy } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { tinyModel, vocabularyFiles } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

function below<T>(folder: string, files: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
}

/** The image of one prompt after two guided steps. */
async function imageOf(files: Files, location: string): Promise<Float32Array> {
  const generator = await loadGenerator(files, location);
  try {
    return tidy(() => {
      const steps = generator.denoise({
        noise: { latents: latentNoise([3], generator.latentShape(16, 16)), seeds: [3] },
        prompts: ['a red dog!'],
        negativePrompt: 'a dog',
        settings: { ...generator.defaults, steps: 2, guidanceScale: 3 },
        conditions: [],
      });
      for (;;) {
        const { done, value } = steps.next();
        if (done) return generator.decode(value).dataSync() as Float32Array;
      }
    });
  } finally {
    generator.dispose();
  }
}

describe('a single file of latent-diffusion names', () => {
  it.each(['sd1', 'sd2', 'sdxl'] as const)(
    '%s draws the same image as its diffusers folder',
    async (kind) => {
      const model = tinyModel(kind);
      const single = writeSafetensors(ldmFile(model), { 'modelspec.prediction_type': 'epsilon' });
      const files = memoryFiles({
        ...below('folder', model.files),
        'single/model.safetensors': single,
        ...below('single', vocabularyFiles),
      });
      const [expected, got] = [await imageOf(files, 'folder'), await imageOf(files, 'single/model.safetensors')];
      expect(got.length).toBe(16 * 16 * 3);
      expect(new Set(expected).size).toBeGreaterThan(100);
      expect(got).toEqual(expected);
    },
    300_000,
  );
});
