import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import type { Generator } from '../../../ports.ts';
import { quote } from '../../../quote.ts';
import { isEdm } from '../../diffusion/edm.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { parseSchedulerConfig } from '../../diffusion/settings.ts';
import { clipTokenizer, loadClipTokenizer } from '../../text/clipTokenizer.ts';
import { CLIP_VOCABULARY_SIZE, clipVocabulary } from '../../text/clipVocabulary.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { transformersText } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole } from '../../weights/wholeFile.ts';
import { type ClipTextConfig, clipTextConfig, clipTextShapes } from '../clipText.ts';
import { latentAutoencoder, shapesToDecode } from '../latentAutoencoder.ts';
import { unetShapes } from '../unet2DCondition.ts';
import { type Json, reader, unetConfig } from '../unetConfig.ts';
import { type ModelDescription, requireFit, type TextPart } from './modelDescription.ts';
import { findWeights, nameOf, readConfig, readConfigText } from './modelFolder.ts';

/** Text encoders of a pipeline, in their order, with their tokenizers; SDXL has both. */
const textFolders = [
  ['text_encoder', 'tokenizer'],
  ['text_encoder_2', 'tokenizer_2'],
] as const;

/** Parts that change nothing in making images of text: pipelines for other tasks share the rest. */
const sparedParts = [
  'safety_checker',
  'feature_extractor',
  'image_encoder',
  'watermark',
  'controlnet',
  'scheduler',
  'vae',
];

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
  const vaeFile = await openWhole(files, await findWeights(files, place('vae')));
  requireFit(folder, unet, autoencoder);
  const vaeWeights = mappedCheckpoint(vaeFile, new Map(vaeFile.names().map((name) => [rename(name), { name }])));
  const unetFile = await openWhole(files, await findWeights(files, place('unet')));
  const schedulerConfig = corrected(
    parseSchedulerConfig(await readConfigText(files, place('scheduler'), 'scheduler_config.json')),
    texts.length,
  );
  const scale = autoencoder.factor;
  return {
    name: nameOf(folder),
    sdxl: texts.length > 1,
    zeroEmptyNegative: texts.length > 1 && index.force_zeros_for_empty_prompt !== false,
    texts: await Promise.all(texts.map((text) => describeText(files, folder, text, texts.length > 1))),
    unet: { title: 'U-Net', config: unet, checkpoint: unetFile, shapes: unetShapes(unet), file: unetFile },
    autoencoder: {
      title: String(vaeJson._class_name),
      description: autoencoder,
      json: vaeJson,
      checkpoint: vaeWeights,
      shapes: shapesToDecode(autoencoder, vaeWeights),
      file: vaeFile,
    },
    schedulerConfig,
    askPrediction: false,
    ...(Array.isArray(index.words) && { words: index.words.map(String) }),
    defaults: defaultsOf(
      index,
      texts.length,
      schedulerConfig,
      sampleSize(unetJson).map((side) => side * scale) as [number, number],
    ),
  };
}

interface TextFolders {
  readonly encoder: string;
  readonly tokenizer: string;
  /** Of the encoder, in transformers. */
  readonly className: string;
}

/**
 * The text encoders of a pipeline. What it is for does not matter (image to image, inpainting, ControlNet, latent
 * consistency), but its parts must be those of text to image. Throws UserError `UNSUPPORTED`.
 */
function pipelineOf(index: Json, folder: string): TextFolders[] {
  const present = Object.entries(index).filter(
    ([, part]) => Array.isArray(part) && part.length === 2 && part[1] !== null,
  );
  const classes = new Map(present.map(([name, part]) => [name, (part as unknown[])[1]]));
  const texts = textFolders.filter(([encoder]) => encoder === 'text_encoder' || classes.has(encoder));
  const known = new Set<string>([...sparedParts, 'unet', ...texts.flat()]);
  const foreign = present.find(([name]) => !known.has(name));
  const isLatentDiffusion = [undefined, 'UNet2DConditionModel'].includes(classes.get('unet') as string | undefined);
  if (foreign || !isLatentDiffusion || !classes.has('text_encoder'))
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" holds a ${String(index._class_name)}${foreign ? ` with the part "${foreign[0]}"` : ''}, which is not supported; supported are StableDiffusionPipeline, StableDiffusionXLPipeline and others of the same parts.`,
    );
  return texts.map(([encoder, tokenizer]) => {
    const className = classes.get(encoder);
    if (className === 'CLIPTextModel' || className === 'CLIPTextModelWithProjection')
      return { encoder, tokenizer, className };
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" names ${quote(className ?? null)} as its ${encoder}; supported are CLIPTextModel and CLIPTextModelWithProjection.`,
    );
  });
}

/** What a folder says of one of its text encoders. Throws as `describeFolder`. */
export async function describeText(files: Files, folder: string, text: TextFolders, sdxl: boolean): Promise<TextPart> {
  const place = joinPath(folder, text.encoder);
  const stated = await readConfig(files, place);
  // That of a whole CLIP holds the text encoder's, and its weights those of images, which nothing here takes.
  const own = stated.model_type === 'clip' ? ((stated.text_config ?? {}) as Json) : stated;
  const config = clipTextConfig({ ...own, architectures: [text.className] });
  const file = await openWhole(files, await findWeights(files, place));
  file.setAside(file.names().filter((name) => /^(vision_model|visual_projection|logit_scale)\b/.test(name)));
  if (!config.projected) file.setAside(['text_projection.weight']);
  return {
    title: 'text encoder',
    config,
    skip: sdxl ? 1 : 0,
    // Stable Diffusion 2 has ViT-H's without its last layer.
    missingLayers: config.hidden_size === 1024 && config.num_hidden_layers === 23 ? 1 : 0,
    tokenizer: await tokenizerOf(files, folder, text, config),
    checkpoint: mappedCheckpoint(file, transformersText(file.names(), '')),
    shapes: clipTextShapes(config),
    file,
  };
}

/**
 * The tokenizer of a text encoder: its own folder; without one, the published vocabulary of CLIP where the encoder has its
 * number of tokens. SDXL's second encoder and ViT-H's of Stable Diffusion 2 pad with `!`, the token 0.
 */
async function tokenizerOf(
  files: Files,
  folder: string,
  { tokenizer, encoder }: TextFolders,
  { vocab_size: size, hidden_size: width, max_position_embeddings: length }: ClipTextConfig,
): Promise<Tokenizer> {
  const place = joinPath(folder, tokenizer);
  if (size !== CLIP_VOCABULARY_SIZE || (await files.list(place))) return loadClipTokenizer(files, place, size);
  const pads = encoder === 'text_encoder_2' || width === 1024;
  const settings = { model_max_length: length, ...(pads && { pad_token: '!' }) };
  return clipTokenizer(await clipVocabulary(), settings, 'the vocabulary of CLIP');
}

/**
 * Configs of the first diffusers do not state what it was trained with, and StableDiffusionPipeline corrects them while it is
 * built: timesteps start at 1, and latents are not clipped. SDXL came later. Source: diffusers, StableDiffusionPipeline
 */
function corrected(config: SchedulerConfig, encoders: number): SchedulerConfig {
  return encoders > 1 || isFlow(config) ? config : { ...config, steps_offset: 1, clip_sample: false };
}

const isFlow = (config: SchedulerConfig): boolean => String(config._class_name).startsWith('FlowMatch');

/** [width, height] of the latents that the U-Net was trained on; before 0.9 diffusers wrote a wrong one. */
function sampleSize(json: Json): [number, number] {
  const isOld = /^0\.[0-8]\./.test(String(json._diffusers_version));
  const size = isOld && typeof json.sample_size === 'number' ? Math.max(64, json.sample_size) : json.sample_size;
  if (Array.isArray(size) && size.length === 2 && size.every(Number.isInteger)) return [size[1], size[0]];
  const side = reader('U-Net', { sample_size: size }).count('sample_size', 64);
  return [side, side];
}

/**
 * What the model recommends. A distilled one is known by Euler steps with trailing timesteps, as sd-turbo and sdxl-turbo
 * are published, or by the LCM scheduler. `recommended` in model_index.json (steps, guidance_scale) goes first.
 */
function defaultsOf(
  index: Json,
  encoders: number,
  scheduler: SchedulerConfig,
  [width, height]: [number, number],
): Generator['defaults'] {
  const { steps, guidanceScale } = usualSettings(encoders, scheduler);
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

function usualSettings(encoders: number, scheduler: SchedulerConfig): { steps: number; guidanceScale: number } {
  const sampler = String(scheduler._class_name);
  if (isEdm(scheduler)) return { steps: 50, guidanceScale: 3 };
  if (sampler === 'LCMScheduler') return { steps: 4, guidanceScale: 1 };
  if (sampler.startsWith('Euler') && scheduler.timestep_spacing === 'trailing') return { steps: 1, guidanceScale: 1 };
  return { steps: 30, guidanceScale: encoders > 1 ? 5 : 7.5 };
}
