import type { Files } from '../../nodes/files.ts';
import { clipTransform } from '../../nodes/ml/image/clipTransform.ts';
import { loadClipVision } from '../../nodes/ml/models/load/loadClip.ts';
import { aestheticTraining } from '../../nodes/ml/train/aestheticTraining.ts';
import { writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './runTraining.ts';
import { trainModel } from './trainModel.ts';

/** The CLIP whose image embeddings the head reads. */
const CLIP_MODEL = 'builtin:world-clip';

/** Trains the built-in aesthetic head on the built-in CLIP and writes it in the layout of LAION's. */
export async function trainAesthetic(run: ModelRun, files: Files): Promise<void> {
  const clip = await loadClipVision(files, CLIP_MODEL);
  try {
    const size = clip.preprocessing.size;
    const training = aestheticTraining(run, (pixels) => clip.encodeImage(clipTransform(pixels, size)).imageEmbeds);
    const config = { clip: CLIP_MODEL, fingerprint: await files.fingerprint(await files.locate(CLIP_MODEL)) };
    const model = {
      name: 'aesthetic',
      config,
      training,
      warmUp: 5,
      async write(folder: string, parameters: Float32Array) {
        await writeText(folder, 'config.json', { _class_name: 'AestheticHead', clip: CLIP_MODEL });
        await writeWeights(folder, 'model.safetensors', training.layout, parameters);
      },
    };
    await trainModel(model, run, files);
  } finally {
    clip.dispose();
  }
}
