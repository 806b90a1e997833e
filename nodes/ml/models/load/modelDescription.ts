import { UserError } from '../../../errors.ts';
import type { Adaptable, Generator } from '../../../ports.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { type JoinedPrompt, readJoined, writeJoined } from '../../text/joinedPrompt.ts';
import { withoutNetworks } from '../../text/parseA1111.ts';
import { scheduleA1111, splitAnd } from '../../text/scheduleA1111.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { elementCount } from '../../weights/checkpoint.ts';
import type { AdaptedPart, AdaptedPlace } from '../../weights/loraNames.ts';
import type { Weights } from '../../weights/weights.ts';
import { type ClipTextConfig, clipText } from '../clipText.ts';
import { joinFeatures } from '../joinFeatures.ts';
import type { LatentAutoencoder } from '../latentAutoencoder.ts';
import { type Adapter, changedWeights, joinChanges } from '../lora.ts';
import { type PromptEncoder, stableDiffusionFeatures, stableDiffusionXLFeatures, unreadBy } from '../promptFeatures.ts';
import type { PromptSyntax } from '../promptMix.ts';
import { type Embedding, embeddingBytes, type PromptReading, readings, unknownEmbeddings } from '../promptReader.ts';
import type { StableDiffusionParts } from '../stableDiffusion.ts';
import { unet2DCondition } from '../unet2DCondition.ts';
import type { MemoryOptions } from '../unetBlocks.ts';
import type { Json, UNetConfig } from '../unetConfig.ts';
import { type LoadedParts, type LoadOptions, loadParts, type Part } from './loadParts.ts';
import { predictedQuantity } from './predictedQuantity.ts';

export interface TextPart extends Part {
  readonly config: ClipTextConfig;
  readonly tokenizer: Tokenizer;
  /** Last layers of the file that the U-Net does not see. */
  readonly skip: number;
  /** Last layers that were published with it and are left out of the file. */
  readonly missingLayers: number;
}

/** A model of the Stable Diffusion family as its files describe it: all configs, and the headers of its weights. */
export interface ModelDescription {
  readonly name: string;
  /** Two text encoders, a pooled embedding and time ids. */
  readonly sdxl: boolean;
  readonly zeroEmptyNegative: boolean;
  readonly texts: readonly TextPart[];
  readonly unet: Part & { readonly config: UNetConfig };
  readonly autoencoder: Part & {
    readonly description: LatentAutoencoder;
    /** config.json, from which the description is. */
    readonly json: Json;
  };
  readonly schedulerConfig: SchedulerConfig;
  /** For people: what was assumed of the model that its files do not say. */
  readonly remark?: string;
  /** The files do not say what the U-Net predicts: it is asked. */
  readonly askPrediction: boolean;
  readonly defaults: Generator['defaults'];
  readonly words?: Generator['words'];
}

/** Throws UserError `UNSUPPORTED` for a U-Net that takes more than latents. */
export function requireFit(path: string, unet: UNetConfig, { channels }: LatentAutoencoder): void {
  if (unet.in_channels === channels && unet.out_channels === channels) return;
  throw new UserError(
    'UNSUPPORTED',
    `"${path}" takes ${unet.in_channels} channels and predicts ${unet.out_channels} for latents of ${channels}: a model for inpainting, depth or editing, which is not supported.`,
  );
}

/** A model with its weights in memory. */
export interface LoadedModel extends StableDiffusionParts {
  readonly encoders: readonly PromptEncoder[];
  readonly weights: LoadedParts<'unet' | 'autoencoder'>['weights'];
  readonly adaptable: Pick<Adaptable, 'shapes' | 'widths'> & {
    adapt(adapter: Adapter): LoadedModel;
    embed(embeddings: readonly Embedding[]): LoadedModel;
  };
}

/** Loads the weights of a described model. The caller owns the result. Throws what `loadParts` throws. */
export async function loadDescribed(model: ModelDescription, options: LoadOptions): Promise<LoadedModel> {
  const { unet, autoencoder, texts, schedulerConfig, remark } = model;
  if (remark !== undefined) options.remark?.(remark);
  const textParts = Object.fromEntries(texts.map((text, i) => [textNames[i], text]));
  const loaded = await loadParts<string>(model.name, { unet, autoencoder, ...textParts }, options);
  try {
    const memory = { recompute: true, ...options.memory };
    // Words are all that a model of few words was trained on.
    const reading = (model.words ? undefined : options.reading) ?? readings.plain;
    const parts = connect(model, loaded, memory, reading);
    const scheduler = model.askPrediction
      ? { ...schedulerConfig, prediction_type: await predictedQuantity(parts) }
      : schedulerConfig;
    const base = { ...parts, schedulerConfig: scheduler };
    return { ...base, adaptable: adaptable(model, base, loaded, { original: loaded, memory, adapters: [] }) };
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

/** Text encoders in the order of their features, by the names of their folders. */
const textNames = ['text_encoder', 'text_encoder_2'] as const;

function connect(
  model: ModelDescription,
  { weights, bytes, dispose }: LoadedParts<string>,
  memory: MemoryOptions,
  reading: PromptReading,
) {
  const weightsOf = (name: string) => weights[name] as Weights;
  const encoders = model.texts.map(({ tokenizer, config, skip }, i): PromptEncoder => {
    return { tokenizer, config, skip, encode: clipText(weightsOf(textNames[i] as string), config) };
  });
  return {
    name: model.name,
    bytes,
    defaults: model.defaults,
    ...(model.words && { words: model.words }),
    reading,
    ...(reading.style === 'plain' && { unreadPart: (prompt: string) => unreadBy(prompt, encoders) }),
    ...(reading.style !== 'plain' && { syntax: syntaxOf[reading.style] }),
    unknownEmbeddings: (prompt: string) => unknownEmbeddings(prompt, reading),
    zeroEmptyNegative: model.zeroEmptyNegative && reading.style !== 'comfy', // which encodes an empty text
    encoders,
    weights: { unet: weightsOf('unet'), autoencoder: weightsOf('autoencoder') },
    encodePrompt: (prompt: string) => {
      const encode = (text: string) =>
        model.sdxl
          ? stableDiffusionXLFeatures(text, encoders, reading)
          : stableDiffusionFeatures(text, encoders[0] as PromptEncoder, reading);
      return reading.style === 'plain' ? encode(prompt) : joinFeatures(onlyEntry(prompt), encode);
    },
    unet: unet2DCondition(weightsOf('unet'), model.unet.config, memory),
    latents: model.autoencoder.description,
    decode: model.autoencoder.description.open(weightsOf('autoencoder'), memory),
    dispose,
  };
}

/** The prompts that Join prompts combines have equal shares. */
const splitCombined: PromptSyntax['split'] = (prompt) => {
  const entries = readJoined(prompt);
  return entries.map((entry) => ({ text: writeJoined(entry), weight: 1 / entries.length }));
};

/** What a prompt is besides one text, by styles. */
const syntaxOf: Readonly<Record<'comfy' | 'a1111', PromptSyntax>> = {
  comfy: { split: splitCombined, schedule: (text, steps) => [[steps, text]] },
  a1111: {
    split: (prompt) =>
      splitCombined(withoutNetworks(prompt)).flatMap(({ text, weight: share }) =>
        splitAnd(text).map((part) => ({ text: part.text, weight: part.weight * share })),
      ),
    schedule: scheduleA1111,
  },
};

/** Throws UserError `BAD_REQUEST` for prompts that are combined where only one is asked for: in the negative prompt. */
function onlyEntry(prompt: string): JoinedPrompt {
  const [entry, ...more] = readJoined(prompt);
  if (more.length === 0) return entry!;
  throw new UserError('BAD_REQUEST', 'The negative prompt combines several, and one is asked: join them by concat.');
}

/** What adapters are laid over. */
interface Ground {
  readonly original: LoadedParts<string>;
  readonly adapters: readonly Adapter[];
  readonly memory: MemoryOptions;
}

/**
 * How adapters and embeddings change a loaded model, whose present weights are `loaded`: each adapter is laid over the
 * original weights, together with those before it; embeddings change how prompts are read.
 */
function adaptable(
  model: ModelDescription,
  base: Omit<LoadedModel, 'adaptable'>,
  loaded: LoadedParts<string>,
  ground: Ground,
): LoadedModel['adaptable'] {
  const { original, memory } = ground;
  const parts = new Map<AdaptedPart, Part>([
    ['unet', model.unet],
    ...model.texts.map((text, i) => [textNames[i] as AdaptedPart, text] as const),
  ]);
  const shapes = Object.fromEntries([...parts].map(([name, part]) => [name, part.shapes ?? new Map()]));
  return {
    shapes,
    adapt(adapter) {
      const adapters = [...ground.adapters, adapter];
      const joined = [...parts.keys()].map((part) => [part, joinChanges(adapters, part)] as const);
      const places = joined.flatMap(([part, changes]) => [...changes.keys()].map((weight) => ({ part, weight })));
      const changed = joined.map(
        ([part, changes]) => [part, changedWeights(original.weights[part] as Weights, changes)] as const,
      );
      const weights = Object.fromEntries(changed.map(([part, over]) => [part, over.weights]));
      const over = {
        weights: { ...original.weights, ...weights },
        bytes: adapter.bytes + changedBytes(places, shapes),
        dispose() {
          for (const [, { dispose }] of changed) dispose();
          adapter.dispose();
        },
      };
      const name = `${model.name} with ${adapters.map((each) => each.name).join(', ')}`;
      const adapted = {
        ...connect({ ...model, name }, over, memory, base.reading),
        schedulerConfig: base.schedulerConfig,
      };
      return { ...adapted, adaptable: adaptable(model, adapted, over, { ...ground, adapters }) };
    },
    widths: model.texts.map(({ config }) => config.hidden_size),
    embed(embeddings) {
      const reading = { ...base.reading, embeddings: [...embeddings, ...base.reading.embeddings] };
      const borrowed = { weights: loaded.weights, bytes: embeddingBytes(embeddings), dispose() {} };
      const embedded = {
        ...connect({ ...model, name: base.name }, borrowed, memory, reading),
        schedulerConfig: base.schedulerConfig,
      };
      return { ...embedded, adaptable: adaptable(model, embedded, borrowed, ground) };
    },
  };
}

/** Bytes of these weights with what adapters change, as float32. */
export function changedBytes(places: readonly AdaptedPlace[], shapes: Adaptable['shapes']): number {
  const sizes = places.map(({ part, weight }) => elementCount(shapes[part]?.get(weight) ?? []) as number);
  return 4 * sizes.reduce((sum, size) => sum + size, 0);
}
