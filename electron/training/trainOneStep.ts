import { type Files, joinPath } from '../../nodes/files.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { dispose, type Tensor } from '../../nodes/ml/tf.ts';
import { consistencyDistillation } from '../../nodes/ml/train/consistencyDistillation.ts';
import { distributionMatching } from '../../nodes/ml/train/distributionMatching.ts';
import { type ParameterLayout, parameterCount } from '../../nodes/ml/train/flatParameters.ts';
import { startFrom } from '../../nodes/ml/train/startFrom.ts';
import { textLayout, unetLayout, type WorldLatents } from '../../nodes/ml/train/textToImageTraining.ts';
import type { Training } from '../../nodes/ml/train/trainStep.ts';
import { loadWeights } from '../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { type Weights, weightsOf } from '../../nodes/ml/weights/weights.ts';
import { exportTextToImage } from './exportTextToImage.ts';
import type { ModelRun } from './runTraining.ts';
import { trainModel } from './trainModel.ts';
import { worldLatents } from './trainTextToImage.ts';

const TEACHER_MODEL = 'builtin:world';
/** Guidance scale of the teacher, which its students then do without; as the teacher recommends. */
const GUIDANCE_SCALE = 3;

/** Distils `builtin:world` into a model of few steps by consistency; `run.from`: the teacher itself. */
export const trainFewStep = (run: ModelRun, files: Files): Promise<void> =>
  distil('few-step', 4, run, files, (world, teacher) =>
    consistencyDistillation({ ...run, guidanceScale: GUIDANCE_SCALE, segments: 6 }, world, teacher),
  );

/** Makes a one-step model of `run.from`, one of few steps, by matching the distribution of `builtin:world`. */
export const trainOneStep = (run: ModelRun, files: Files): Promise<void> =>
  distil('one-step', 1, run, files, (world, teacher) =>
    distributionMatching({ ...run, guidanceScale: GUIDANCE_SCALE }, world, teacher),
  );

/** Trains a student that starts as the model `run.from`; where the training has a follower, that starts as the teacher. */
async function distil(
  name: string,
  steps: number,
  run: ModelRun,
  files: Files,
  trainingOf: (world: WorldLatents, teacher: Weights) => Training,
): Promise<void> {
  const world = worldLatents();
  const teacher = await loadNetworks(files, TEACHER_MODEL);
  const from = run.from ?? TEACHER_MODEL;
  const student = await loadNetworks(files, from);
  const followed = new Map([...student, ...[...teacher].map(([key, tensor]) => [`follower.${key}`, tensor] as const)]);
  try {
    const training = trainingOf(world, weightsOf(teacher));
    const values = (layout: ParameterLayout) => startFrom(layout, weightsOf(followed), randomStream(run.seed));
    const text = await values(textLayout);
    await trainModel(
      {
        name,
        config: { from: await files.fingerprint(await files.locate(from)), guidanceScale: GUIDANCE_SCALE },
        training,
        start: await values(training.layout),
        warmUp: 50,
        async write(folder, parameters) {
          const unet = parameters.subarray(0, parameterCount(unetLayout));
          const whole = Float32Array.from([...text, ...unet]);
          await exportTextToImage(folder, whole, world.basis, { steps, guidance_scale: 1 });
        },
      },
      run,
      files,
    );
  } finally {
    dispose([...teacher.values(), ...student.values()]);
  }
}

/** Weights of a model's U-Net and text encoder under `unet.` and `text_encoder.`. The caller owns them. */
async function loadNetworks(files: Files, model: string): Promise<Map<string, Tensor>> {
  const folder = await files.locate(model);
  const networks = new Map<string, Tensor>();
  for (const [prefix, file] of [
    ['unet.', 'unet/diffusion_pytorch_model.safetensors'],
    ['text_encoder.', 'text_encoder/model.safetensors'],
  ] as const) {
    const checkpoint = await openCheckpoint(files, joinPath(folder, file));
    for (const [name, tensor] of await loadWeights(checkpoint)) networks.set(prefix + name, tensor);
  }
  return networks;
}
