import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { linear } from '../nn/linear.ts';
import { reshape, type Tensor4D, transpose } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/** config.json of a LinearPatchAutoencoder. */
interface LinearPatchConfig {
  readonly _class_name: 'LinearPatchAutoencoder';
  readonly in_channels: number;
  readonly latent_channels: number;
  readonly patch_size: number;
  readonly scaling_factor: number;
}

export function linearPatchConfig(json: Record<string, unknown>): LinearPatchConfig {
  for (const field of ['in_channels', 'latent_channels', 'patch_size'])
    if (!Number.isInteger(json[field]) || (json[field] as number) < 1)
      throw new UserError(
        'BAD_CONFIG',
        `LinearPatchAutoencoder config: "${field}" is ${quote(json[field])}; a whole number above 0 is needed.`,
      );
  return { scaling_factor: 1, ...json } as LinearPatchConfig;
}

/**
 * An autoencoder of one linear layer each way: every p x p patch of the image becomes the coordinates of its nearest
 * point in a basis (found by principal components). Keeps what the basis spans; exact gradients at two matrix products.
 *
 * p patch size, c image channels, k latent channels; images [N, h*p, w*p, c] in [-1, 1], latents [N, h, w, k].
 * Weights: encoder.{weight [k, p*p*c], bias [k]}, decoder.{weight [p*p*c, k], bias [p*p*c]}, a patch in (row, column,
 * channel) order. The caller owns the results.
 */
export function linearPatchAutoencoder(weights: Weights, config: LinearPatchConfig) {
  const { patch_size: p, in_channels: c, latent_channels: k } = config;
  return {
    encode(pixels: Tensor4D): Tensor4D {
      const [n, height, width] = pixels.shape;
      if (height % p || width % p)
        throw new UserError('BAD_SIZE', `The image is ${width}x${height}; both sides must be multiples of ${p}.`);
      const [h, w] = [height / p, width / p];
      const rows = reshape(pixels, [n * h, p, w, p * c]);
      const patches = reshape(transpose(rows, [0, 2, 1, 3]), [n * h * w, p * p * c]);
      return reshape(linear(patches, weights.at('encoder')), [n, h, w, k]);
    },
    decode(latents: Tensor4D): Tensor4D {
      const [n, h, w] = latents.shape;
      const patches = linear(reshape(latents, [n * h * w, k]), weights.at('decoder')); // [n*h*w, p*p*c]
      const rows = transpose(reshape(patches, [n * h, w, p, p * c]), [0, 2, 1, 3]); // [n*h, p, w, p*c]
      return reshape(rows, [n, h * p, w * p, c]);
    },
  };
}
