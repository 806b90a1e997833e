import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import type { Generator } from '../../../ports.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { parseSchedulerConfig } from '../../diffusion/settings.ts';
import { loadClipTokenizer } from '../../text/clipTokenizer.ts';
import { transformersText } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openCheckpoint } from '../../weights/openCheckpoint.ts';
import { clipTextConfig, clipTextShapes } from '../clipText.ts';
import { latentAutoencoder } from '../latentAutoencoder.ts';
import { unetShapes } from '../unet2DCondition.ts';
import { type Json, reader, unetConfig } from '../unetConfig.ts';
import type { ModelDescription, TextPart } from './modelDescription.ts';
import { contentOf, findWeights, nameOf, readConfig } from './modelFolder.ts';

/** Pipelines by `_class_name` of model_index.json, with the folders of their text encoders and tokenizers. */
const pipelines: Readonly<Record<string, readonly (readonly [encoder: string, tokenizer: string])[]>> = {
  StableDiffusionPipeline: [['text_encoder', 'tokenizer']],
  StableDiffusionXLPipeline: [
    ['text_encoder', 'tokenizer'],
    ['text_encoder_2', 'tokenizer_2'],
  ],
};

/**
 * Reads what a diffusers folder (or a snapshot of the Hugging Face cache) says of its model, and the headers of its weights.
 * Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG` and what reading throws.
 */
export async function describeFolder(files: Files, folder: string): Promise<ModelDescription> {
  const index = await readConfig(files, folder, 'model_index.json');
  const texts = pipelineOf(index, folder);
  const place = (name: string) => joinPath(folder, name);
  const unetJson = await readConfig(files, place('unet'));
  const unet = unetConfig(unetJson);
  const vaeJson = await readConfig(files, place('vae'));
  const autoencoder = latentAutoencoder(vaeJson);
  const { rename } = autoencoder;
  const vaeFile = await openCheckpoint(files, await findWeights(files, place('vae')));
  const schedulerConfig = await readScheduler(files, place('scheduler'));
  const scale = autoencoder.factor;
  return {
    name: nameOf(folder),
    sdxl: texts.length > 1,
    zeroEmptyNegative: texts.length > 1 && index.force_zeros_for_empty_prompt !== false,
    texts: await Promise.all(texts.map((text) => readText(files, folder, text))),
    unet: {
      title: 'U-Net',
      config: unet,
      checkpoint: await openCheckpoint(files, await findWeights(files, place('unet'))),
      shapes: unetShapes(unet),
    },
    autoencoder: {
      title: String(vaeJson._class_name),
      description: autoencoder,
      checkpoint: mappedCheckpoint(vaeFile, new Map(vaeFile.names().map((name) => [rename(name), { name }]))),
      shapes: autoencoder.shapes,
    },
    schedulerConfig,
    askPrediction: false,
    ...(Array.isArray(index.words) && { words: index.words.map(String) }),
    defaults: defaultsOf(index, schedulerConfig, sampleSize(unetJson).map((side) => side * scale) as [number, number]),
  };
}

interface TextFolders {
  readonly encoder: string;
  readonly tokenizer: string;
  /** Of the encoder, in transformers. */
  readonly className: string;
}

function pipelineOf(index: Json, folder: string): TextFolders[] {
  const name = String(index._class_name);
  const pipeline = Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
  if (!pipeline)
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" holds a ${name}, which is not supported; supported are ${Object.keys(pipelines).join(', ')}.`,
    );
  return pipeline.map(([encoder, tokenizer]) => {
    const className = [index[encoder]].flat()[1];
    if (className === 'CLIPTextModel' || className === 'CLIPTextModelWithProjection')
      return { encoder, tokenizer, className };
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" names ${JSON.stringify(className ?? null)} as its ${encoder}; supported are CLIPTextModel and CLIPTextModelWithProjection.`,
    );
  });
}

async function readText(files: Files, folder: string, text: TextFolders): Promise<TextPart> {
  const place = joinPath(folder, text.encoder);
  const config = clipTextConfig({ ...(await readConfig(files, place)), architectures: [text.className] });
  const file = await openCheckpoint(files, await findWeights(files, place));
  return {
    title: 'text encoder',
    config,
    tokenizer: await loadClipTokenizer(files, joinPath(folder, text.tokenizer)),
    checkpoint: mappedCheckpoint(file, transformersText(file.names(), '')),
    shapes: clipTextShapes(config),
  };
}

async function readScheduler(files: Files, folder: string): Promise<SchedulerConfig> {
  const path = joinPath(folder, 'scheduler_config.json');
  if ((await files.size(path)) === undefined)
    throw new UserError('NOT_FOUND', `"${folder}" has no scheduler_config.json; ${await contentOf(files, folder)}.`);
  return parseSchedulerConfig(new TextDecoder().decode(await files.read(path)));
}

/** [width, height] of the latents that the U-Net was trained on. */
function sampleSize(json: Json): [number, number] {
  const size = json.sample_size;
  if (Array.isArray(size) && size.length === 2 && size.every(Number.isInteger)) return [size[1], size[0]];
  const side = reader('U-Net', json).count('sample_size', 64);
  return [side, side];
}

/**
 * What the model recommends. A distilled one is known by Euler steps with trailing timesteps, as sd-turbo and sdxl-turbo
 * are published, or by the LCM scheduler. `recommended` in model_index.json (steps, guidance_scale) goes first.
 */
function defaultsOf(index: Json, scheduler: SchedulerConfig, [width, height]: [number, number]): Generator['defaults'] {
  const { steps, guidanceScale } = usualSettings(index, scheduler);
  const recommended = (index.recommended ?? {}) as Json;
  return {
    scheduler: 'model',
    steps: reader('model_index.json', recommended).count('steps', steps),
    guidanceScale: reader('model_index.json', recommended).number('guidance_scale', guidanceScale),
    eta: 0,
    width,
    height,
  };
}

function usualSettings(index: Json, scheduler: SchedulerConfig): { steps: number; guidanceScale: number } {
  const sampler = String(scheduler._class_name);
  if (sampler === 'LCMScheduler') return { steps: 4, guidanceScale: 1 };
  if (sampler.startsWith('Euler') && scheduler.timestep_spacing === 'trailing') return { steps: 1, guidanceScale: 1 };
  return { steps: 30, guidanceScale: index._class_name === 'StableDiffusionXLPipeline' ? 5 : 7.5 };
}
