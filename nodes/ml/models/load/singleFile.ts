import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { clipTokenizer } from '../../text/clipTokenizer.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { ldmAutoencoder, ldmUnet, type Sources, transformersText } from '../../weights/ldmNames.ts';
import { mappedCheckpoint, stateDict } from '../../weights/mappedCheckpoint.ts';
import { openCheckpoint } from '../../weights/openCheckpoint.ts';
import { openClipText } from '../../weights/openClipNames.ts';
import { clipTextConfig, clipTextShapes } from '../clipText.ts';
import { latentAutoencoder } from '../latentAutoencoder.ts';
import { unetShapes } from '../unet2DCondition.ts';
import { unetConfig } from '../unetConfig.ts';
import { findVocabulary } from './findVocabulary.ts';
import { autoencoderJson, textJson, unetJson } from './ldmConfigs.ts';
import type { ModelDescription, TextPart } from './modelDescription.ts';
import { nameOf } from './modelFolder.ts';

/** Where text encoders lie in a file, what naming they use, and what their tokenizers pad with. */
interface TextLayout {
  readonly prefix: string;
  readonly openClip: boolean;
  /** Layers left out at the end: Stable Diffusion 2 takes the last but one state. */
  readonly skippedLayers: number;
  readonly padding: '<|endoftext|>' | '!';
}
interface Family {
  readonly title: string;
  readonly texts: readonly TextLayout[];
  readonly scalingFactor: number;
  /** Side of the usual latents. */
  readonly side: number;
  readonly guidanceScale: number;
}

const vitL = { openClip: false, skippedLayers: 0, padding: '<|endoftext|>' } as const;
const families: readonly Family[] = [
  {
    title: 'Stable Diffusion 1',
    texts: [{ ...vitL, prefix: 'cond_stage_model.transformer.' }],
    scalingFactor: 0.18215,
    side: 64,
    guidanceScale: 7.5,
  },
  {
    title: 'Stable Diffusion 2',
    texts: [{ prefix: 'cond_stage_model.model.', openClip: true, skippedLayers: 1, padding: '!' }],
    scalingFactor: 0.18215,
    side: 64,
    guidanceScale: 7.5,
  },
  {
    title: 'Stable Diffusion XL',
    texts: [
      { ...vitL, prefix: 'conditioner.embedders.0.transformer.' },
      { prefix: 'conditioner.embedders.1.model.', openClip: true, skippedLayers: 0, padding: '!' },
    ],
    scalingFactor: 0.13025,
    side: 128,
    guidanceScale: 5,
  },
];

/**
 * Reads the header of a single-file checkpoint of Stable Diffusion 1, 2 or XL and derives all configs from names and
 * shapes. Throws UserError `NOT_FOUND`, `UNSUPPORTED` and what reading throws.
 */
export async function describeSingleFile(files: Files, path: string): Promise<ModelDescription> {
  const file = stateDict(await openCheckpoint(files, path));
  const names = file.names();
  const family = familyOf(names, path);
  const texts = await textParts(files, file, family);
  const unetFile = mappedCheckpoint(file, ldmUnet(names));
  const unet = unetConfig(unetJson(unetFile));
  if (unet.in_channels !== unet.out_channels)
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" takes ${unet.in_channels} channels and predicts ${unet.out_channels}: a model for inpainting or depth, which is not supported.`,
    );
  const vaeFile = mappedCheckpoint(file, ldmAutoencoder(names));
  const autoencoder = latentAutoencoder(autoencoderJson(vaeFile, family.scalingFactor));
  const prediction = predictionOf(file, family);
  const few = fewSteps(nameOf(path));
  return {
    name: nameOf(path),
    sdxl: texts.length > 1,
    zeroEmptyNegative: texts.length > 1,
    texts,
    unet: { title: `${family.title} U-Net`, config: unet, checkpoint: unetFile, shapes: unetShapes(unet) },
    autoencoder: {
      title: 'AutoencoderKL',
      description: autoencoder,
      checkpoint: vaeFile,
      shapes: autoencoder.shapes,
    },
    schedulerConfig: scheduler(family, { distilled: few !== undefined, prediction, zeroSignal: file.has('ztsnr') }),
    askPrediction: prediction === undefined,
    defaults: defaultsOf(family, few, autoencoder.factor),
  };
}

/** How many steps a distilled model takes, which only its name tells; undefined for others. */
function fewSteps(name: string): number | undefined {
  if (/turbo/i.test(name)) return 1;
  return /lightning|hyper/i.test(name) ? 4 : undefined;
}

function defaultsOf(family: Family, few: number | undefined, factor: number): ModelDescription['defaults'] {
  const side = few === 1 ? 512 : family.side * factor;
  const guidanceScale = few ? 1 : family.guidanceScale;
  return { scheduler: 'model', steps: few ?? 30, guidanceScale, eta: 0, width: side, height: side };
}

function familyOf(names: readonly string[], path: string): Family {
  const holds = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const family = families.find(({ texts }) => texts.every(({ prefix }) => holds(prefix)));
  if (family && holds('model.diffusion_model.') && holds('first_stage_model.')) return family;
  const wanted = [
    'model.diffusion_model.',
    'first_stage_model.',
    ...families.flatMap(({ texts }) => texts[0]?.prefix ?? []),
  ];
  const prefixes = [...new Set(names.map((name) => name.split('.').slice(0, 2).join('.')))];
  throw new UserError(
    'UNSUPPORTED',
    `"${path}" is no whole Stable Diffusion 1, 2 or XL checkpoint: looked for ${wanted.join(', ')}; its names start with ${prefixes.slice(0, 5).join(', ') || 'nothing'}.`,
  );
}

async function textParts(files: Files, file: Checkpoint, family: Family): Promise<TextPart[]> {
  const encoders = family.texts.map((layout) => textEncoder(file, layout));
  const [first] = encoders as [(typeof encoders)[0]];
  const vocabulary = await findVocabulary(files, file.path, first.config.vocab_size);
  return encoders.map((encoder, i) => {
    const settings = {
      pad_token: (family.texts[i] as TextLayout).padding,
      model_max_length: encoder.config.max_position_embeddings,
    };
    return { ...encoder, tokenizer: clipTokenizer(vocabulary, settings, vocabulary.path) };
  });
}

function textEncoder(file: Checkpoint, layout: TextLayout): Omit<TextPart, 'tokenizer'> {
  const whole = mappedCheckpoint(file, textSources(file, layout));
  const layers = clipTextConfig(textJson(whole, layout.openClip)).num_hidden_layers - layout.skippedLayers;
  const checkpoint = layout.skippedLayers ? mappedCheckpoint(file, textSources(file, layout, layers)) : whole;
  const config = clipTextConfig(textJson(checkpoint, layout.openClip));
  return { title: 'text encoder', config, checkpoint, shapes: clipTextShapes(config) };
}

function textSources(file: Checkpoint, { openClip, prefix }: TextLayout, layers?: number): Sources {
  return openClip ? openClipText(file.names(), prefix, layers) : transformersText(file.names(), prefix);
}

/**
 * What the file says that its model predicts: by its metadata (modelspec 1.0.0), or by a tensor named `v_pred`. Of
 * Stable Diffusion 2 both kinds were published without saying so: undefined.
 */
function predictionOf(file: Checkpoint, { title }: Family): 'epsilon' | 'v_prediction' | undefined {
  const stated = file.metadata.get('modelspec.prediction_type');
  if (file.has('v_pred') || stated === 'v') return 'v_prediction';
  return stated === 'epsilon' || title !== 'Stable Diffusion 2' ? 'epsilon' : undefined;
}

/** The schedule that all these models were trained on; diffusers' folders of them say the same. */
function scheduler({ title }: Family, { distilled, prediction, zeroSignal }: Training): SchedulerConfig {
  return {
    _class_name: title === 'Stable Diffusion XL' || distilled ? 'EulerDiscreteScheduler' : 'DDIMScheduler',
    num_train_timesteps: 1000,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    prediction_type: prediction ?? 'epsilon',
    timestep_spacing: distilled || zeroSignal ? 'trailing' : 'leading',
    rescale_betas_zero_snr: zeroSignal,
    steps_offset: 1,
    clip_sample: false,
    set_alpha_to_one: false,
  };
}
interface Training {
  readonly distilled: boolean;
  readonly prediction: ReturnType<typeof predictionOf>;
  /** The last timestep holds no signal: stated by a tensor named `ztsnr`. */
  readonly zeroSignal: boolean;
}
