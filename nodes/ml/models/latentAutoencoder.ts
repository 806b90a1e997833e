import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { add, mul, sub, type Tensor4D, tensor1d, tidy } from '../tf.ts';
import type { Checkpoint } from '../weights/checkpoint.ts';
import type { Weights } from '../weights/weights.ts';
import {
  type AutoencoderKLConfig,
  autoencoderKL,
  autoencoderKLConfig,
  autoencoderKLShapes,
  currentAutoencoderName,
  type LatentStatistics,
} from './autoencoderKL.ts';
import { decodeTiny } from './autoencoderTiny.ts';
import { linearPatchAutoencoder, linearPatchConfig } from './linearPatchAutoencoder.ts';
import type { MemoryOptions, Shapes } from './unetBlocks.ts';
import { type Json, reader } from './unetConfig.ts';

/** An autoencoder as a latent diffusion model sees it. */
export interface LatentAutoencoder {
  /** Channels of the latents. */
  readonly channels: number;
  /** What latents were multiplied by before the diffusion model saw them. */
  readonly scalingFactor: number;
  /** Mean and deviation of each channel that were taken out before that. */
  readonly statistics?: LatentStatistics | undefined;
  /** Pixels of an image's side per value of the latents' side. */
  readonly factor: number;
  /** Names (see `rename`) and shapes of the weights; undefined where the weights themselves say what they are. */
  readonly shapes: Shapes | undefined;
  /** The name that a weight of the file gets. */
  rename(name: string): string;
  /** Latents as the diffusion model makes them [N, h, w, channels] -> images [N, H, W, 3], about [-1, 1]. */
  open(weights: Weights, memory: MemoryOptions): (latents: Tensor4D) => Tensor4D;
}

/**
 * Latents as the autoencoder takes them: z std / scaling_factor + mean, where it states statistics of its channels, plus the
 * shift. Source: diffusers, StableDiffusionXLPipeline
 */
function unscaled(latents: Tensor4D, config: AutoencoderKLConfig): Tensor4D {
  const { scaling_factor, shift_factor, statistics } = config;
  const plain = mul<Tensor4D>(latents, 1 / scaling_factor);
  if (!statistics) return add(plain, shift_factor);
  return add(mul(plain, tensor1d([...statistics.std])), tensor1d(statistics.mean.map((each) => each + shift_factor)));
}

/** Autoencoders by `_class_name` of their config. */
const classes: Readonly<Record<string, (json: Json) => LatentAutoencoder>> = {
  AutoencoderKL(json) {
    const config = autoencoderKLConfig(json);
    return {
      channels: config.latent_channels,
      scalingFactor: config.scaling_factor,
      statistics: config.statistics,
      factor: 2 ** (config.block_out_channels.length - 1),
      shapes: autoencoderKLShapes(config),
      rename: currentAutoencoderName,
      open(weights, memory) {
        const { decode } = autoencoderKL(weights, config, memory);
        return (latents) => tidy(() => decode(unscaled(latents, config)));
      },
    };
  },
  AutoencoderTiny(json) {
    const read = reader('AutoencoderTiny', json);
    const scale = read.number('scaling_factor', 1);
    return {
      channels: read.count('latent_channels', 4),
      scalingFactor: scale,
      factor: 2 ** (read.counts('decoder_block_out_channels', [64, 64, 64, 64]).length - 1),
      shapes: undefined,
      rename: (name) => name,
      open: (weights, memory) => (latents) =>
        tidy(() => sub(mul(decodeTiny(mul(latents, 1 / scale), weights.at('decoder.layers'), memory), 2), 1)),
    };
  },
  LinearPatchAutoencoder(json) {
    const config = linearPatchConfig(json);
    return {
      channels: config.latent_channels,
      scalingFactor: config.scaling_factor,
      factor: config.patch_size,
      shapes: undefined,
      rename: (name) => name,
      open(weights) {
        const { decode } = linearPatchAutoencoder(weights, config);
        return (latents) => tidy(() => decode(mul(latents, 1 / config.scaling_factor)));
      },
    };
  },
};

/**
 * The weights that a file must have to decode: an autoencoder that was published without its encoder has those of the decoder
 * alone, but one that has any of its encoder must have it whole.
 */
export function shapesToDecode({ shapes }: LatentAutoencoder, file: Pick<Checkpoint, 'names'>): Shapes | undefined {
  const encodes = (name: string) => /^(encoder|quant_conv)\./.test(name);
  if (!shapes || file.names().some(encodes)) return shapes;
  return new Map([...shapes].filter(([name]) => !encodes(name)));
}

/** The autoencoder that a config.json describes. Throws UserError `UNSUPPORTED` or `BAD_CONFIG`. */
export function latentAutoencoder(json: Json): LatentAutoencoder {
  const name = String(json._class_name);
  const described = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (described) return described(json);
  throw new UserError(
    'UNSUPPORTED',
    `The autoencoder class ${quote(json._class_name)} is not supported; supported are ${Object.keys(classes).join(', ')}.`,
  );
}
