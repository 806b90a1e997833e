import type { Files } from '../../nodes/files.ts';
import { loadGenerator } from '../../nodes/ml/models/load/loadGenerator.ts';
import type { LoadOptions } from '../../nodes/ml/models/load/loadParts.ts';
import type { Overrides } from '../../nodes/ml/models/load/overrides.ts';
import { latentNoise } from '../../nodes/ml/random.ts';
import { tidy } from '../../nodes/ml/tf.ts';
import type { Condition, Generator } from '../../nodes/ports.ts';

/** The image [16, 16, 3] of one prompt after two guided steps. */
export async function imageOf(
  files: Files,
  location: string,
  { scheduler = 'model', prompt = 'a red dog!', options = {}, stated = {} }: ImageSettings = {},
): Promise<Float32Array> {
  const generator = await loadGenerator(files, location, options, stated);
  try {
    return drawnBy(generator, { scheduler, prompt });
  } finally {
    generator.dispose();
  }
}
interface ImageSettings {
  readonly scheduler?: string;
  readonly prompt?: string;
  readonly options?: LoadOptions;
  readonly stated?: Overrides;
}

/** The same of a generator in memory. */
export function drawnBy(
  generator: Generator,
  { scheduler, prompt, conditions = [] }: { scheduler: string; prompt: string; conditions?: readonly Condition[] },
): Float32Array {
  return tidy(() => {
    const steps = generator.denoise({
      noise: { latents: latentNoise([3], generator.latentShape(16, 16)), seeds: [3] },
      prompts: [prompt],
      negativePrompt: 'a dog',
      settings: { ...generator.defaults, scheduler, steps: 2, guidanceScale: 3 },
      conditions,
    });
    for (;;) {
      const { done, value } = steps.next();
      if (done) return generator.decode(value).dataSync() as Float32Array;
    }
  });
}
