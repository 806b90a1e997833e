import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { LatentFormat } from '../../../ports.ts';
import type { Tensor4D } from '../../tf.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { ldmAutoencoder } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { type LatentAutoencoder, latentAutoencoder, shapesToDecode } from '../latentAutoencoder.ts';
import type { Json } from '../unetConfig.ts';
import { autoencoderJson } from './ldmConfigs.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { findWeights, nameOf, readConfig } from './modelFolder.ts';

/** The half of an autoencoder that makes images of latents. */
export interface LatentDecoder extends Pick<LatentAutoencoder, 'channels' | 'factor'> {
  readonly name: string;
  readonly bytes: number;
  /** Latents as the diffusion model makes them [N, h, w, channels] -> images, about [-1, 1]. The caller owns the result. */
  decode(latents: Tensor4D): Tensor4D;
  dispose(): void;
}

/**
 * Loads a decoder alone: a diffusers folder of an autoencoder, TAESD's own `taesd_decoder` file, or the VAE of a single file,
 * alone in it or with a whole model, under the names of latent-diffusion or of diffusers. The caller owns it.
 * `format`: how the latents are made, where the file does not tell (default: as in Stable Diffusion 1); statistics of their
 * channels belong to the diffusion model, whatever the file tells.
 * Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG` and what `loadParts` throws.
 */
export async function loadDecoder(
  files: Files,
  location: string,
  format: LatentFormat = { scale: 0.18215 },
  options: LoadOptions = {},
): Promise<LatentDecoder> {
  const path = await files.locate(location);
  const { autoencoder, checkpoint, file } = (await files.list(path))
    ? await readFolder(files, path, format)
    : await readFile(files, path, format);
  if (format.statistics && !autoencoder.statistics)
    throw new UserError(
      'DOES_NOT_FIT',
      `"${nameOf(path)}" decodes latents as Stable Diffusion scales them, and those of this generator have a mean and deviation in each channel, as of Playground v2.5: take a whole VAE (AutoencoderKL).`,
      { at: { param: 'model' } },
    );
  const { channels, factor, rename } = autoencoder;
  const named = mappedCheckpoint(checkpoint, new Map(checkpoint.names().map((name) => [rename(name), { name }])));
  const part = { title: 'decoder', checkpoint: named, shapes: shapesToDecode(autoencoder, named), file };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { decoder: part }, options);
  const decode = autoencoder.open(weights.decoder, { recompute: true, ...options.memory });
  return { name: nameOf(path), bytes, channels, factor, decode, dispose };
}

interface Described {
  readonly autoencoder: LatentAutoencoder;
  readonly checkpoint: Checkpoint;
  readonly file: WholeFile;
}

async function readFolder(files: Files, folder: string, format: LatentFormat): Promise<Described> {
  const json = await readConfig(files, folder);
  const takesStatistics = format.statistics && json._class_name === 'AutoencoderKL';
  const autoencoder = latentAutoencoder(takesStatistics ? { ...json, ...formatJson(format) } : json);
  const file = await openWhole(files, await findWeights(files, folder));
  return { autoencoder, checkpoint: file, file };
}

/** Fields of an autoencoder's config that state a format. */
function formatJson({ scale, statistics }: LatentFormat): Json {
  return {
    scaling_factor: scale,
    ...(statistics && { latents_mean: statistics.mean, latents_std: statistics.std }),
  };
}

async function readFile(files: Files, path: string, format: LatentFormat): Promise<Described> {
  const file = await openWhole(files, path);
  const names = file.names();
  if (names.includes('1.weight') && !names.includes('0.weight')) return readTaesd(file);
  const prefix = ['first_stage_model.', 'vae.', ''].find((each) => file.has(`${each}decoder.conv_in.weight`));
  if (prefix === undefined)
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is no decoder: looked for decoder.conv_in.weight of a VAE, and for "1.weight" without "0.weight" of TAESD; its names start with ${names.slice(0, 3).join(', ') || 'nothing'}.${seemsLike(names)}`,
    );
  if (prefix !== '') file.setAside(names.filter((name) => !name.startsWith(prefix))); // of the model around it
  const inLdm = names.some((name) => name.startsWith(`${prefix}decoder.mid.`));
  const plain = new Map(
    names.filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), { name }]),
  );
  const checkpoint = mappedCheckpoint(file, inLdm ? ldmAutoencoder(names, prefix) : plain);
  const json = { ...autoencoderJson(checkpoint, format.scale), ...formatJson(format) };
  return { autoencoder: latentAutoencoder(json), checkpoint, file };
}

/** TAESD's own files number their layers from 1: 0 is the squashing, which has no weights. */
function readTaesd(file: WholeFile): Described {
  const json = { _class_name: 'AutoencoderTiny', latent_channels: file.entry('1.weight').shape[1] };
  const renamed = new Map(file.names().map((name) => [`decoder.layers.${name}`, { name }]));
  return { autoencoder: latentAutoencoder(json), checkpoint: mappedCheckpoint(file, renamed), file };
}
