import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import type { Generator } from '../../../ports.ts';
import { badCheckpoint, type Checkpoint, elementCount } from '../../weights/checkpoint.ts';
import { openCheckpoint } from '../../weights/openCheckpoint.ts';
import { type Embedding, embeddingBytes } from '../promptReader.ts';
import type { LoadOptions } from './loadParts.ts';
import { contentOf, nameOf } from './modelFolder.ts';

/**
 * A generator with embeddings that its prompts may name, over those it has. The caller owns the result; after a failure or an
 * abort nothing is left. Throws UserError `UNSUPPORTED` and what `loadEmbeddings` throws.
 */
export async function addEmbeddings(
  files: Files,
  location: string,
  { name, adaptable, promptStyle, words }: Generator,
  options: LoadOptions = {},
): Promise<Generator> {
  if (!adaptable || !promptStyle || promptStyle === 'plain')
    throw new UserError(
      'UNSUPPORTED',
      words
        ? `"${name}" knows few words, and its prompts cannot name an embedding.`
        : `The prompts of "${name}" cannot name an embedding: choose comfy or a1111 as the prompt style of Load generator.`,
      { at: { port: 'generator' } },
    );
  const path = await files.locate(location);
  return adaptable.embed(await loadEmbeddings(files, path, { name, widths: adaptable.widths }, options));
}

/** The model that embeddings are for. */
export interface EmbeddedModel {
  readonly name: string;
  /** Features of a token, for each text encoder. */
  readonly widths: readonly number[];
}

const ending = /\.(safetensors|sft|pt|bin)$/i;
/** Vectors of one embedding: as many tokens as a chunk holds. */
const MOST_VECTORS = 75;
/** Files of a folder and of the folders in it that are read. */
const MOST_FILES = 2000;
const MOST_BYTES = 2 ** 28;
const DEEPEST_FOLDER = 4;
/** Names in a remark. */
const MOST_NAMED = 5;

/**
 * Textual inversions: one file, or all of a folder and of the folders in it. Those of a folder that are for another kind of model,
 * or damaged, are left out, which a remark says. Throws UserError `NOT_FOUND`, `DOES_NOT_FIT`, `TOO_LARGE` and, for a single
 * file, what reading throws.
 */
export async function loadEmbeddings(
  files: Files,
  path: string,
  model: EmbeddedModel,
  { remark = () => {}, signal }: LoadOptions = {},
): Promise<Embedding[]> {
  if (!(await files.list(path))) return [await readEmbedding(files, path, nameOf(path).replace(ending, ''), model)];
  const names = await listFiles(files, path);
  if (names.length === 0)
    throw new UserError(
      'NOT_FOUND',
      `"${path}" has no embedding: looked for .safetensors, .pt and .bin files; ${await contentOf(files, path)}.`,
    );
  const loaded: Embedding[] = [];
  const others: string[] = [];
  let bytes = 0;
  for (const name of names) {
    signal?.throwIfAborted();
    if (bytes > MOST_BYTES)
      throw new UserError(
        'TOO_LARGE',
        `The embeddings of "${path}" take more than ${MOST_BYTES / 2 ** 20} MiB. Choose a folder in it.`,
      );
    try {
      const embedding = await readEmbedding(files, joinPath(path, name), name.replace(ending, ''), model);
      bytes += embeddingBytes([embedding]);
      loaded.push(embedding);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.code === 'DOES_NOT_FIT') others.push(name);
      else remark(`An embedding is left out: ${error.message}`);
    }
  }
  if (others.length > 0) remark(leftOut(others, model));
  return loaded;
}

function leftOut(names: readonly string[], { name, widths }: EmbeddedModel): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const one = names.length === 1;
  return `"${name}" takes embeddings ${widths.join(' and ')} wide: ${names.slice(0, MOST_NAMED).join(', ')}${more} ${one ? 'is' : 'are'} for another kind of model and ${one ? 'is' : 'are'} left out.`;
}

/** Files by their paths in a folder, its own first. Throws UserError `TOO_LARGE`. */
async function listFiles(files: Files, folder: string, inside = '', depth = 0): Promise<string[]> {
  const names = (await files.list(folder)) ?? [];
  const own = names.filter((name) => ending.test(name)).map((name) => inside + name);
  for (const name of names.filter((each) => each.endsWith('/') && depth < DEEPEST_FOLDER))
    own.push(...(await listFiles(files, joinPath(folder, name.slice(0, -1)), inside + name, depth + 1)));
  if (own.length > MOST_FILES)
    throw new UserError(
      'TOO_LARGE',
      `"${folder}" has ${own.length} embeddings; at most ${MOST_FILES} are read. Choose a folder in it.`,
    );
  return own;
}

/** Throws UserError `DOES_NOT_FIT`, `BAD_CHECKPOINT` and what reading throws. */
async function readEmbedding(files: Files, path: string, name: string, model: EmbeddedModel): Promise<Embedding> {
  const file = await openCheckpoint(files, path);
  const found = model.widths.map((width, index) => tensorFor(file, index, width));
  if (found.every((tensor) => tensor === undefined))
    throw new UserError(
      'DOES_NOT_FIT',
      `"${path}" has an embedding ${widthsIn(file).join(' and ')} wide; "${model.name}" takes ${model.widths.join(' and ')}${familyOf(model.widths)}.`,
      { at: { param: 'embeddings' } },
    );
  return {
    name,
    vectors: await Promise.all(found.map((tensor) => (tensor === undefined ? [] : readVectors(file, tensor)))),
  };
}

function familyOf(widths: readonly number[]): string {
  const name = { '768': 'Stable Diffusion 1', '1024': 'Stable Diffusion 2', '768,1280': 'Stable Diffusion XL' }[
    widths.join()
  ];
  return name === undefined ? '' : ` (${name})`;
}

/** The tensor of a file for a text encoder: that of SDXL's pair, else the only one, where it is as wide. */
function tensorFor(file: Checkpoint, index: number, width: number): string | undefined {
  const paired = ['clip_l', 'clip_g'][index] as string;
  const name = file.has(paired) ? paired : onlyTensor(file);
  return name !== undefined && file.entry(name).shape.at(-1) === width ? name : undefined;
}

/** webui's and diffusers' layouts. Throws UserError `BAD_CHECKPOINT`. */
function onlyTensor(file: Checkpoint): string | undefined {
  const names = file.names();
  if (names.some((name) => name === 'clip_l' || name === 'clip_g')) return undefined;
  const params = names.filter((name) => name.startsWith('string_to_param/'));
  const known = params.length > 0 ? params : names.includes('emb_params') ? ['emb_params'] : names;
  if (known.length === 1) return known[0];
  throw badCheckpoint(
    file.path,
    `an embedding is one tensor in string_to_param or emb_params, one of any name, or clip_l and clip_g; it has ${names.length} (${names.slice(0, 3).join(', ') || 'none'})`,
  );
}

function widthsIn(file: Checkpoint): number[] {
  return file.names().flatMap((name) => file.entry(name).shape.at(-1) ?? []);
}

/** The rows of a tensor [n, C] or [C]. Throws UserError `BAD_CHECKPOINT`. */
async function readVectors(file: Checkpoint, name: string): Promise<Float32Array[]> {
  const { shape, dtype } = file.entry(name);
  const width = shape.at(-1) as number;
  const count = (elementCount(shape) as number) / width;
  if (shape.length > 2 || count < 1 || count > MOST_VECTORS)
    throw badCheckpoint(
      file.path,
      `an embedding has 1 to ${MOST_VECTORS} vectors, and it has the shape [${shape.join(', ')}]`,
    );
  if (!dtype.includes('float')) throw badCheckpoint(file.path, `its vectors are ${dtype}, and floats are needed`);
  const values = Float32Array.from(await file.read(name), Number);
  if (!values.every(Number.isFinite)) throw badCheckpoint(file.path, 'its vectors have values that are no numbers');
  return Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width));
}
