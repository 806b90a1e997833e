import { UserError } from '../../errors.ts';
import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { upsampleNearest2x } from '../nn/upsampleNearest2x.ts';
import { mul, relu, type Tensor4D, tanh, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

interface AutoencoderTinyOptions {
  /** Recomputes each block in the backward pass instead of keeping its activations. Weights then get no gradient. */
  readonly recompute?: boolean;
}

/**
 * Images -> latents. image [N, H, W, 3] in [0, 1] -> [N, H/8, W/8, c]; the caller owns the result.
 *
 * `w` holds the numbered layers of the encoder: `weights.at('encoder.layers')` of a diffusers file, all of an original
 * `taesd_encoder.pth`. A block has convolutions inside; a convolution with bias is the first or the last layer, one
 * without bias halves the image. Source: madebyollin/taesd taesd.py Encoder; diffusers EncoderTiny.
 */
export function encodeTiny(image: Tensor4D, w: Weights, options: AutoencoderTinyOptions = {}): Tensor4D {
  return tidy(() => {
    let x = image;
    for (const layer of listLayers(w)) {
      if (isBlock(layer)) x = block(x, layer, options);
      else x = conv2d(x, layer, { padding: 1, stride: layer.has('bias') ? 1 : 2 });
    }
    return x;
  });
}

/**
 * Latents -> images. latents [N, h, w, c] -> [N, 8h, 8w, 3], about [0, 1] but not clamped; the caller owns the result.
 *
 * `w` holds the numbered layers of the decoder, as in `encodeTiny`; a convolution without bias follows a doubling of the
 * image. Latents are first squashed to (-3, 3). Source: madebyollin/taesd taesd.py Decoder; diffusers DecoderTiny.
 */
export function decodeTiny(latents: Tensor4D, w: Weights, options: AutoencoderTinyOptions = {}): Tensor4D {
  return tidy(() => {
    let x: Tensor4D = mul(tanh(mul(latents, 1 / 3)), 3);
    for (const [i, layer] of listLayers(w).entries()) {
      if (isBlock(layer)) x = block(x, layer, options);
      else if (layer.has('bias')) x = conv2d(x, layer, i === 0 ? { padding: 1, activation: 'relu' } : { padding: 1 });
      else x = conv2d(upsampleNearest2x(x), layer, { padding: 1 });
    }
    return x;
  });
}

/**
 * relu(x + conv(relu(conv(relu(conv x))))). Blocks next to the latents of FLUX.2's autoencoder (TAEF2) have a `pool` branch
 * with normalisation before that: x + conv1x1(relu(groupNorm(conv1x1 x))).
 */
function block(x: Tensor4D, w: Weights, { recompute: again = false }: AutoencoderTinyOptions): Tensor4D {
  const run = (input: Tensor4D): Tensor4D => {
    const pooled = w.has('pool.0.weight') ? residual(input, pool(input, w.at('pool'))) : input;
    const first = conv2d(pooled, w.at('conv.0'), { padding: 1, activation: 'relu' });
    const second = conv2d(first, w.at('conv.2'), { padding: 1, activation: 'relu' });
    const third = conv2d(second, w.at('conv.4'), { padding: 1 });
    return relu(residual(third, w.has('skip.weight') ? conv2d(pooled, w.at('skip')) : pooled));
  };
  return again ? recompute(run, [x]) : run(x);
}

function pool(x: Tensor4D, w: Weights): Tensor4D {
  return conv2d(relu(groupNorm(conv2d(x, w.at('0')), w.at('1'), 4, 1e-5)), w.at('3'));
}

const isBlock = (layer: Weights): boolean => layer.has('conv.0.weight');

/** The layers that have weights, in the order of their numbers. */
function listLayers(w: Weights): Weights[] {
  const numbers = new Set(w.names().map((name) => /^\d+(?=\.)/.exec(name)?.[0] ?? ''));
  const layers = [...numbers].filter(Boolean).sort((a, b) => Number(a) - Number(b));
  if (layers.length < 2) {
    throw new UserError(
      'MISSING_WEIGHT',
      `These weights have no numbered layers of a tiny autoencoder (like "0.weight").`,
    );
  }
  return layers.map((number) => w.at(number));
}
