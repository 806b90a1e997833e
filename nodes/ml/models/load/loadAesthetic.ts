import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import { dispose } from '../../tf.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole } from '../../weights/wholeFile.ts';
import { type AffineMap, affineLayers, collapse } from '../affineHead.ts';
import { type LoadedClipVision, loadClipVision } from './loadClip.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { contentOf, nameOf } from './modelFolder.ts';

/** A head on the features of a CLIP's images, collapsed, with its weights in memory. */
export interface LoadedHead extends AffineMap {
  readonly name: string;
  /** Features that it reads. */
  readonly width: number;
  readonly bytes: number;
  dispose(): void;
}

/** LAION's aesthetic predictor: a CLIP's vision encoder and the head on it. */
export interface LoadedAesthetic {
  readonly clip: LoadedClipVision;
  readonly head: LoadedHead;
  dispose(): void;
}

/**
 * Loads a head (see `loadHead`) and the vision encoder of the CLIP whose features it reads. The caller owns both.
 * Throws what loading them throws, and UserError `WRONG_WEIGHTS` where they do not fit.
 */
export async function loadAesthetic(
  files: Files,
  locations: { readonly head: string; readonly clip: string },
  options: LoadOptions = {},
): Promise<LoadedAesthetic> {
  const head = await loadHead(files, locations.head, options);
  let clip: LoadedClipVision;
  try {
    clip = await loadClipVision(files, locations.clip, options);
  } catch (error) {
    head.dispose();
    throw error;
  }
  const dispose = () => {
    head.dispose();
    clip.dispose();
  };
  if (clip.width === head.width) return { clip, head, dispose };
  dispose();
  throw new UserError(
    'WRONG_WEIGHTS',
    `The head "${head.name}" reads ${head.width} features and "${clip.name}" gives ${clip.width}; the published heads belong to openai/clip-vit-large-patch14, which gives 768.`,
  );
}

/**
 * Loads a head of linear layers: a file with `layers.N.weight` as LAION publishes it, one with a single `weight`, or a folder
 * with one such file. The caller owns it. Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CHECKPOINT` or `WRONG_WEIGHTS`.
 */
export async function loadHead(files: Files, location: string, options: LoadOptions = {}): Promise<LoadedHead> {
  const path = await files.locate(location);
  const file = (await files.list(path)) ? await headIn(files, path) : path;
  const stored = await openWhole(files, file);
  const checkpoint = withLayers(stored);
  const { names, shapes } = affineLayers(checkpoint, '');
  const loaded = await loadParts(nameOf(path), { head: { title: 'head', checkpoint, shapes, file: stored } }, options);
  const map = collapse(names.map((name) => loaded.weights.head.at(name)));
  loaded.dispose();
  return {
    ...map,
    name: nameOf(path),
    width: map.weight.shape[1],
    bytes: 4 * (map.weight.size + map.bias.size),
    dispose: () => dispose([map.weight, map.bias]),
  };
}

/** A single linear layer, with or without a name of its own, counts as the first of `layers`. */
function withLayers(file: Checkpoint): Checkpoint {
  const weights = file.names().filter((name) => /(^|\.)weight$/.test(name));
  if (weights.length !== 1) return file;
  const prefix = weights[0]!.slice(0, -'weight'.length);
  const parts = ['weight', 'bias'].filter((part) => file.has(prefix + part));
  return mappedCheckpoint(file, new Map(parts.map((part) => [`layers.0.${part}`, { name: prefix + part }])));
}

async function headIn(files: Files, folder: string): Promise<string> {
  const names = ((await files.list(folder)) ?? []).filter((name) => /\.(pth|pt|bin|ckpt|safetensors|sft)$/i.test(name));
  if (names.length === 1) return joinPath(folder, names[0]!);
  const found = names.length > 1 ? 'name one of them' : 'there is no weights file';
  throw new UserError('NOT_FOUND', `"${folder}" is no aesthetic head: ${found}; ${await contentOf(files, folder)}.`);
}
