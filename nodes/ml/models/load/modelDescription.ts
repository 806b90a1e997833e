import { UserError } from '../../../errors.ts';
import type { Generator } from '../../../ports.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Weights } from '../../weights/weights.ts';
import { type ClipTextConfig, clipText } from '../clipText.ts';
import type { LatentAutoencoder } from '../latentAutoencoder.ts';
import { type PromptEncoder, stableDiffusionFeatures, stableDiffusionXLFeatures, unreadBy } from '../promptFeatures.ts';
import type { StableDiffusionParts } from '../stableDiffusion.ts';
import { unet2DCondition } from '../unet2DCondition.ts';
import type { MemoryOptions } from '../unetBlocks.ts';
import type { UNetConfig } from '../unetConfig.ts';
import { type LoadedParts, type LoadOptions, loadParts, type Part } from './loadParts.ts';
import { predictedQuantity } from './predictedQuantity.ts';

/** What a U-Net predicts, where the user states it; `auto`: what its files say. */
export type PredictionChoice = 'auto' | 'epsilon' | 'v';
export const predictions = { epsilon: 'epsilon', v: 'v_prediction' } as const;

export interface TextPart extends Part {
  readonly config: ClipTextConfig;
  readonly tokenizer: Tokenizer;
}

/** A model of the Stable Diffusion family as its files describe it: all configs, and the headers of its weights. */
export interface ModelDescription {
  readonly name: string;
  /** Two text encoders, a pooled embedding and time ids. */
  readonly sdxl: boolean;
  readonly zeroEmptyNegative: boolean;
  readonly texts: readonly TextPart[];
  readonly unet: Part & { readonly config: UNetConfig };
  readonly autoencoder: Part & { readonly description: LatentAutoencoder };
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
}

/** Loads the weights of a described model. The caller owns the result. Throws what `loadParts` throws. */
export async function loadDescribed(model: ModelDescription, options: LoadOptions): Promise<LoadedModel> {
  const { unet, autoencoder, texts, schedulerConfig, remark } = model;
  if (remark !== undefined) options.remark?.(remark);
  const textParts = Object.fromEntries(texts.map((text, i) => [`text ${i}`, text]));
  const loaded = await loadParts<string>(model.name, { unet, autoencoder, ...textParts }, options);
  try {
    const parts = connect(model, loaded, { recompute: true, ...options.memory });
    if (!model.askPrediction) return { ...parts, schedulerConfig };
    return { ...parts, schedulerConfig: { ...schedulerConfig, prediction_type: await predictedQuantity(parts) } };
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

function connect(model: ModelDescription, loaded: LoadedParts<string>, memory: MemoryOptions) {
  const weightsOf = (name: string) => loaded.weights[name] as Weights;
  const encoders = model.texts.map(({ tokenizer, config }, i): PromptEncoder => {
    return { tokenizer, config, encode: clipText(weightsOf(`text ${i}`), config) };
  });
  return {
    name: model.name,
    bytes: loaded.bytes,
    defaults: model.defaults,
    ...(model.words && { words: model.words }),
    unreadPart: (prompt: string) => unreadBy(prompt, encoders),
    zeroEmptyNegative: model.zeroEmptyNegative,
    encoders,
    weights: { unet: weightsOf('unet'), autoencoder: weightsOf('autoencoder') },
    encodePrompt: (prompt: string) =>
      model.sdxl
        ? stableDiffusionXLFeatures(prompt, encoders)
        : stableDiffusionFeatures(prompt, encoders[0] as PromptEncoder),
    unet: unet2DCondition(weightsOf('unet'), model.unet.config, memory),
    latents: model.autoencoder.description,
    decode: model.autoencoder.description.open(weightsOf('autoencoder'), memory),
    dispose: loaded.dispose,
  };
}
