import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { clipTokenizer } from '../../text/clipTokenizer.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { ldmAutoencoder, ldmUnet, type Sources, transformersText } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openClipText } from '../../weights/openClipNames.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { type ClipTextConfig, clipTextConfig, clipTextShapes } from '../clipText.ts';
import { latentAutoencoder, shapesToDecode } from '../latentAutoencoder.ts';
import { unetShapes } from '../unet2DCondition.ts';
import { unetConfig } from '../unetConfig.ts';
import { findUnet } from './bareUnet.ts';
import { readEdmMarkers } from './edmMarkers.ts';
import { findVocabulary } from './findVocabulary.ts';
import { autoencoderJson, textJson, unetJson } from './ldmConfigs.ts';
import { type ModelDescription, requireFit, type TextPart } from './modelDescription.ts';
import { nameOf } from './modelFolder.ts';
import { type Overrides, predictions } from './overrides.ts';
import { fewSteps, marks, readPrediction } from './statedByFile.ts';

/** Where text encoders lie in a file, what naming they use, and what their tokenizers pad with. */
interface TextLayout {
  readonly prefix: string;
  readonly openClip: boolean;
  /** The last but one state is taken: a last layer, where the file has one, is left out. */
  readonly penultimate: boolean;
  readonly padding: '<|endoftext|>' | '!';
}
interface Family {
  readonly title: string;
  readonly texts: readonly TextLayout[];
  readonly scalingFactor: number;
  /** Side of the usual latents. */
  readonly side: number;
  readonly guidanceScale: number;
  /**
   * Of the timesteps, where something published states it: SDXL's folder, and what diffusers assumes of a file of Stable
   * Diffusion 2 that is said to predict v or noise (SCHEDULER_DEFAULT_CONFIG). Else each sampler has its own.
   */
  readonly spacing?: 'leading';
}

const vitL = { openClip: false, penultimate: false, padding: '<|endoftext|>' } as const;
/** Stable Diffusion 2 has its text encoder in one of two places: SD-Turbo's file has the names of a later code. */
const families: readonly Family[] = [
  {
    title: 'Stable Diffusion 1',
    texts: [{ ...vitL, prefix: 'cond_stage_model.transformer.' }],
    scalingFactor: 0.18215,
    side: 64,
    guidanceScale: 7.5,
  },
  ...['cond_stage_model.model.', 'conditioner.embedders.0.model.'].map((prefix): Family => {
    return {
      title: 'Stable Diffusion 2',
      texts: [{ prefix, openClip: true, penultimate: true, padding: '!' }],
      scalingFactor: 0.18215,
      side: 64,
      guidanceScale: 7.5,
      spacing: 'leading',
    };
  }),
  {
    title: 'Stable Diffusion XL',
    texts: [
      { ...vitL, prefix: 'conditioner.embedders.0.transformer.' },
      { prefix: 'conditioner.embedders.1.model.', openClip: true, penultimate: false, padding: '!' },
    ],
    scalingFactor: 0.13025,
    side: 128,
    guidanceScale: 5,
    spacing: 'leading',
  },
];

/**
 * Reads the header of a single-file checkpoint of Stable Diffusion 1, 2 or XL and derives all configs from names and
 * shapes. Of what the user states, `prediction` tells how to read the rest. Throws UserError `NOT_FOUND`, `UNSUPPORTED` and what reading throws.
 */
export async function describeSingleFile(
  files: Files,
  path: string,
  stated: Overrides = {},
): Promise<ModelDescription> {
  const file = await openWhole(files, path);
  const names = file.names();
  const family = familyOf(names, path);
  const texts = await textParts(files, file, family);
  const unetFile = mappedCheckpoint(file, ldmUnet(names));
  const unet = unetConfig(unetJson(unetFile));
  const vaeFile = mappedCheckpoint(file, ldmAutoencoder(names, 'first_stage_model.'));
  const edm = await readEdmMarkers(file);
  const vaeJson = { ...autoencoderJson(vaeFile, family.scalingFactor), ...edm?.autoencoder };
  const autoencoder = latentAutoencoder(vaeJson);
  requireFit(path, unet, autoencoder);
  const said = await readPrediction(files, file);
  // Of Stable Diffusion 2 both kinds were published without saying so.
  const usual = family.title === 'Stable Diffusion 2' ? undefined : 'epsilon';
  const prediction = (stated.prediction && predictions[stated.prediction]) ?? said ?? usual;
  const few = fewSteps(nameOf(path));
  return {
    name: nameOf(path),
    sdxl: texts.length > 1,
    zeroEmptyNegative: texts.length > 1,
    texts,
    unet: { title: `${family.title} U-Net`, config: unet, checkpoint: unetFile, shapes: unetShapes(unet), file },
    autoencoder: {
      title: 'AutoencoderKL',
      description: autoencoder,
      json: vaeJson,
      checkpoint: vaeFile,
      shapes: shapesToDecode(autoencoder, vaeFile),
      file,
    },
    schedulerConfig:
      edm?.schedulerConfig ??
      scheduler(family, {
        distilled: few !== undefined,
        prediction,
        zeroSignal: marks(file, 'ztsnr') && prediction === 'v_prediction',
      }),
    askPrediction: !edm && prediction === undefined,
    defaults: { ...defaultsOf(family, few?.steps, autoencoder.factor), ...(!few && edm?.recommended) },
    ...(few && { remark: few.remark }),
  };
}

function defaultsOf(family: Family, few: number | undefined, factor: number): ModelDescription['defaults'] {
  const side = few === 1 ? 512 : family.side * factor;
  const guidanceScale = few ? 1 : family.guidanceScale;
  return { scheduler: 'model', steps: few ?? 30, guidanceScale, eta: 0, width: side, height: side };
}

function familyOf(names: readonly string[], path: string): Family {
  const holds = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const family = families.find(({ texts }) => texts.every(({ prefix }) => holds(prefix)));
  const isRefiner = family?.title === 'Stable Diffusion 2' && holds('model.diffusion_model.label_emb.');
  if (family && !isRefiner && holds('model.diffusion_model.') && holds('first_stage_model.')) return family;
  if (findUnet(names) && !holds('first_stage_model.') && !family)
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is a U-Net alone, without text encoder and VAE: name a whole model of its family as base.`,
      { at: { param: 'base' } },
    );
  const wanted = [
    'model.diffusion_model.',
    'first_stage_model.',
    ...families.flatMap(({ texts }) => texts[0]?.prefix ?? []),
  ];
  const prefixes = [...new Set(names.map((name) => name.split('.').slice(0, 2).join('.')))];
  throw new UserError(
    'UNSUPPORTED',
    `"${path}" is no whole Stable Diffusion 1, 2 or XL checkpoint: looked for ${wanted.join(', ')}; its names start with ${prefixes.slice(0, 5).join(', ') || 'nothing'}.${seemsLike(names)}`,
  );
}

async function textParts(files: Files, file: WholeFile, family: Family): Promise<TextPart[]> {
  const encoders = family.texts.map((layout) => textEncoder(file, layout));
  const [first] = encoders as [(typeof encoders)[0]];
  const vocabulary = await findVocabulary(files, file.path, first.config.vocab_size);
  return encoders.map((encoder, i) => {
    const settings = {
      pad_token: (family.texts[i] as TextLayout).padding,
      model_max_length: encoder.config.max_position_embeddings,
    };
    return {
      ...encoder,
      tokenizer: clipTokenizer(vocabulary, settings, vocabulary.path),
      skip: encoders.length > 1 ? 1 : 0,
    };
  });
}

function textEncoder(file: WholeFile, layout: TextLayout): Omit<TextPart, 'tokenizer' | 'skip'> {
  const whole = mappedCheckpoint(file, textSources(file, layout));
  const found = clipTextConfig(textJson(whole, layout.openClip));
  const layers = layout.penultimate ? layersBeforeLast(whole, found) : found.num_hidden_layers;
  const checkpoint = mappedCheckpoint(file, textSources(file, layout, layers));
  file.setAside(file.names().filter((name) => layerOf(name, layout) >= layers));
  const config = clipTextConfig(textJson(checkpoint, layout.openClip));
  const missingLayers = layout.penultimate ? 1 : 0;
  return { title: 'text encoder', config, missingLayers, checkpoint, shapes: clipTextShapes(config), file };
}

/**
 * Layers without the last, which trainers leave out since nothing is taken from it: of the published width that is told by
 * their number, 23 of 24; of any other by what else of a whole CLIP is there.
 */
function layersBeforeLast(file: Checkpoint, { hidden_size: width, num_hidden_layers: layers }: ClipTextConfig): number {
  if (width === 1024) return Math.min(layers, 23);
  return file.has('text_projection.weight') ? layers - 1 : layers;
}

/** The layer of an open_clip text encoder that a tensor belongs to; -1 for all else. */
function layerOf(name: string, { openClip, prefix }: TextLayout): number {
  const start = `${prefix}transformer.resblocks.`;
  return openClip && name.startsWith(start) ? Number.parseInt(name.slice(start.length), 10) : -1;
}

function textSources(file: Checkpoint, { openClip, prefix }: TextLayout, layers?: number): Sources {
  return openClip ? openClipText(file.names(), prefix, layers) : transformersText(file.names(), prefix);
}

/**
 * The schedule that all these models were trained on, as diffusers' folders of them state it: that of Stable Diffusion 1
 * leaves the spacing of timesteps to the sampler.
 */
function scheduler({ title, spacing }: Family, { distilled, prediction, zeroSignal }: Training): SchedulerConfig {
  return {
    _class_name: title === 'Stable Diffusion XL' || distilled ? 'EulerDiscreteScheduler' : 'DDIMScheduler',
    num_train_timesteps: 1000,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    prediction_type: prediction ?? 'epsilon',
    ...(distilled || zeroSignal ? { timestep_spacing: 'trailing' } : spacing && { timestep_spacing: spacing }),
    rescale_betas_zero_snr: zeroSignal,
    steps_offset: 1,
    clip_sample: false,
    set_alpha_to_one: false,
  };
}
interface Training {
  readonly distilled: boolean;
  readonly prediction: (typeof predictions)[keyof typeof predictions] | undefined;
  /** The last timestep holds no signal: stated by a tensor named `ztsnr`. */
  readonly zeroSignal: boolean;
}
