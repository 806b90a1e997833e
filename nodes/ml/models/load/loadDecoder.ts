import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { Tensor4D } from '../../tf.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { mappedCheckpoint, stateDict } from '../../weights/mappedCheckpoint.ts';
import { openCheckpoint } from '../../weights/openCheckpoint.ts';
import { type LatentAutoencoder, latentAutoencoder } from '../latentAutoencoder.ts';
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
 * Loads a decoder alone: a diffusers folder of an autoencoder, or TAESD's own `taesd_decoder` file. The caller owns it.
 * Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG` and what `loadParts` throws.
 */
export async function loadDecoder(files: Files, location: string, options: LoadOptions = {}): Promise<LatentDecoder> {
  const path = await files.locate(location);
  const { autoencoder, checkpoint } = (await files.list(path))
    ? await readFolder(files, path)
    : await readTaesd(files, path);
  const { channels, factor, rename, shapes } = autoencoder;
  const named = mappedCheckpoint(checkpoint, new Map(checkpoint.names().map((name) => [rename(name), { name }])));
  const part = { title: 'decoder', checkpoint: named, shapes };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { decoder: part }, options);
  const decode = autoencoder.open(weights.decoder, { recompute: true, ...options.memory });
  return { name: nameOf(path), bytes, channels, factor, decode, dispose };
}

interface Described {
  readonly autoencoder: LatentAutoencoder;
  readonly checkpoint: Checkpoint;
}

async function readFolder(files: Files, folder: string): Promise<Described> {
  const autoencoder = latentAutoencoder(await readConfig(files, folder));
  return { autoencoder, checkpoint: await openCheckpoint(files, await findWeights(files, folder)) };
}

/** TAESD's own files number their layers from 1: 0 is the squashing, which has no weights. */
async function readTaesd(files: Files, path: string): Promise<Described> {
  const file = stateDict(await openCheckpoint(files, path));
  const names = file.names();
  if (!names.includes('1.weight') || names.includes('0.weight'))
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is no decoder of TAESD: looked for a tensor "1.weight" and none "0.weight"; its names start with ${names.slice(0, 3).join(', ') || 'nothing'}.`,
    );
  const json = { _class_name: 'AutoencoderTiny', latent_channels: file.entry('1.weight').shape[1] };
  const renamed = new Map(names.map((name) => [`decoder.layers.${name}`, { name }]));
  return { autoencoder: latentAutoencoder(json), checkpoint: mappedCheckpoint(file, renamed) };
}
