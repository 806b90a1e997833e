import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import { decodeTiny, encodeTiny } from '../models/autoencoderTiny.ts';
import { add, dispose, grad, mul, sub, sum, type Tensor, type Tensor4D, tidy } from '../tf.ts';
import { loadWeights } from '../weights/loadWeights.ts';
import { openCheckpoint } from '../weights/openCheckpoint.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { channelsFirst, channelsLast, readStride, thinned } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** TAESD as diffusers stores it and as originally stored, and the published TAEF2, with gradients. */
export const taesd: Family = async (golden) => {
  const { path, settings, wanted } = golden;
  const wants = (start: string) => wanted.some(({ name }) => name.startsWith(start));
  if (wants('out.tiny.')) {
    const file = joinPath(path, 'tiny/diffusion_pytorch_model.safetensors');
    await withWeights(golden, file, (w) => verifyDiffusers(golden, w.at('encoder.layers'), w.at('decoder.layers')));
  }
  if (wants('out.original.')) await verifyHalves(golden, joinPath(path, 'tiny_original'), verifyOriginal);
  if (wants('out.real.')) {
    await verifyHalves(golden, await locateShared(golden, String(settings.real_weights ?? 'taesd/real')), verifyReal);
  }
};

type Halves = (golden: GoldenFolder, encoder: Weights, decoder: Weights) => void;
type Image = (x: Tensor4D) => Tensor4D;

/** diffusers' images lie in [-1, 1]. */
const verifyDiffusers: Halves = (golden, encoder, decoder) => {
  const encode: Image = (image) => encodeTiny(mul(add(image, 1), 0.5), encoder);
  const decode: Image = (latents) => sub(mul(decodeTiny(latents, decoder), 2), 1);
  const [image, latents] = [golden.input('in.tiny.image'), golden.input('in.tiny.latents')];
  const [imageWeight, latentWeight] = [golden.input('in.tiny.image_weight'), golden.input('in.tiny.latent_weight')];
  outputApplied(golden, 'out.tiny.encoded', encode, image);
  outputApplied(golden, 'out.tiny.decoded', decode, latents);
  outputGradient(golden, 'out.tiny.grad_image', encode, image, latentWeight);
  outputGradient(golden, 'out.tiny.grad_latents', decode, latents, imageWeight);
};

const verifyOriginal: Halves = (golden, encoder, decoder) => {
  const encode: Image = (image) => encodeTiny(mul(add(image, 1), 0.5), encoder);
  outputApplied(golden, 'out.original.encoded', encode, golden.input('in.tiny.image'));
  outputApplied(
    golden,
    'out.original.decoded',
    (latents) => decodeTiny(latents, decoder),
    golden.input('in.tiny.latents'),
  );
};

const verifyReal: Halves = (golden, encoder, decoder) => {
  const encode: Image = (image) => encodeTiny(image, encoder);
  const decode: Image = (latents) => decodeTiny(latents, decoder);
  const [image, latents] = [golden.input('in.real.image'), golden.input('in.real.latents')];
  outputApplied(golden, 'out.real.encoded', encode, image);
  outputApplied(golden, 'out.real.decoded', decode, latents);
  outputApplied(golden, 'out.real.round_trip', (x) => decode(encode(x)), image);
  outputGradient(golden, 'out.real.grad_latents', decode, latents, golden.input('in.real.image_weight'));
};

/** f(x), of and in the axis order of the file. */
function outputApplied(golden: GoldenFolder, name: string, f: Image, x: Tensor): void {
  golden.output(
    name,
    tidy(() => channelsFirst(f(channelsLast(x)))),
  );
}

/** d sum(f(x) * weight) / dx, thinned to the rows and columns that the file keeps. */
function outputGradient(golden: GoldenFolder, name: string, f: Image, x: Tensor, weight: Tensor): void {
  const row = golden.wanted.find((each) => each.name === name);
  if (!row) return;
  const gradient = tidy(() => {
    const weightLast = channelsLast(weight);
    const loss = (input: Tensor) => sum(mul(f(input as Tensor4D), weightLast));
    const whole = channelsFirst(grad(loss)(channelsLast(x)));
    return thinned(whole, readStride(whole, row));
  });
  golden.output(name, gradient);
}

async function verifyHalves(golden: GoldenFolder, folder: string, verify: Halves): Promise<void> {
  const names = (await golden.files.list(folder)) ?? [];
  const [encoderFile, decoderFile] = ['encoder', 'decoder'].map((half) => {
    const name = names.find((each) => each.includes(half));
    if (!name)
      throw new UserError(
        'NOT_FOUND',
        `"${folder}" has no file of an ${half}; it holds ${names.join(', ') || 'nothing'}.`,
      );
    return joinPath(folder, name);
  }) as [string, string];
  await withWeights(golden, encoderFile, (encoder) =>
    withWeights(golden, decoderFile, (decoder) => verify(golden, encoder, decoder)),
  );
}

/** Loads a file of weights for as long as `use` takes. */
async function withWeights(
  { files }: GoldenFolder,
  file: string,
  use: (weights: Weights) => void | Promise<void>,
): Promise<void> {
  const tensors = await loadWeights(await openCheckpoint(files, file));
  try {
    await use(weightsOf(tensors));
  } finally {
    dispose([...tensors.values()]);
  }
}
