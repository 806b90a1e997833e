import { UserError } from '../../../errors.ts';
import { type Files, folderOf, joinPath } from '../../../files.ts';
import { largest, readWhole } from '../../../readWhole.ts';
import { clipTokenizer, loadClipTokenizer } from '../../text/clipTokenizer.ts';
import { readVocabulary } from '../../text/readVocabulary.ts';
import { readMerges, simpleTokenizer, vocabularySize } from '../../text/simpleTokenizer.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';

import { openClip } from '../../weights/openClipNames.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { type Clip, type ClipConfig, type ClipPreprocessing, clip, clipConfig, clipShapes } from '../clip.ts';
import type { ClipTextConfig } from '../clipText.ts';
import { clipVision, clipVisionShapes } from '../clipVision.ts';
import type { Json } from '../unetConfig.ts';
import { clipJson, clipPreprocessing, openClipJson, openClipPreprocessing, usualPreprocessing } from './clipConfigs.ts';
import { findVocabulary } from './findVocabulary.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { contentOf, findWeights, nameOf, readConfig } from './modelFolder.ts';

/** A CLIP with its weights in memory. */
export interface LoadedClip extends Clip {
  readonly name: string;
  readonly preprocessing: ClipPreprocessing;
  /** Bytes of weights held. */
  readonly bytes: number;
  dispose(): void;
}

/** The vision encoder of a CLIP with its weights in memory. */
export interface LoadedClipVision extends Omit<LoadedClip, 'encodePrompts' | 'unreadPart' | 'logitScale'> {
  /** Features that it gives of an image. */
  readonly width: number;
}

/**
 * Loads both encoders of a CLIP: a folder or snapshot of transformers or of open_clip, or a single file under the names of
 * either. The caller owns it. Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG`, `BAD_CHECKPOINT`,
 * `WRONG_WEIGHTS`, `NO_TOKENIZER`, `NOT_ENOUGH_MEMORY`, or the signal's reason.
 */
export async function loadClip(files: Files, location: string, options: LoadOptions = {}): Promise<LoadedClip> {
  const described = await describeClip(files, await files.locate(location));
  const { name, checkpoint, config, preprocessing, file } = described;
  const { vision, text } = config;
  if (!text)
    throw new UserError('UNSUPPORTED', `"${checkpoint.path}" holds the images' half of a CLIP only, not the text's.`);
  const tokenizer = await tokenizerOf(files, described, text);
  const shapes = clipShapes(config);
  const { weights, bytes, dispose } = await loadParts(
    name,
    { clip: { title: 'CLIP', checkpoint, shapes, file } },
    options,
  );
  const memory = { recompute: true, ...options.memory };
  return { ...clip(weights.clip, { vision, text }, tokenizer, memory), name, preprocessing, bytes, dispose };
}

/** Loads the vision encoder alone, likewise. */
export async function loadClipVision(
  files: Files,
  location: string,
  options: LoadOptions = {},
): Promise<LoadedClipVision> {
  const { name, checkpoint, config, preprocessing, file } = await describeClip(files, await files.locate(location));
  file.setAside(
    file.names().filter((each) => /^(text|transformer|ln_final|token_|positional_)|^logit_scale$/.test(each)),
  );
  const part = { title: 'CLIP vision encoder', checkpoint, shapes: clipVisionShapes(config.vision), file };
  const { weights, bytes, dispose } = await loadParts(name, { clip: part }, options);
  const encodeImage = clipVision(weights.clip, config.vision, { recompute: true, ...options.memory });
  return { encodeImage, name, width: config.vision.projection_dim, preprocessing, bytes, dispose };
}

interface ClipDescription {
  readonly name: string;
  /** Under transformers' names. */
  readonly checkpoint: Checkpoint;
  readonly file: WholeFile;
  readonly config: ClipConfig;
  readonly preprocessing: ClipPreprocessing;
  /** The file uses open_clip's names, and hence its tokenizer. */
  readonly isOpenClip: boolean;
  /** Where other files of the model lie. */
  readonly folder: string;
}

/** Reads configs and the header of the weights. */
async function describeClip(files: Files, path: string): Promise<ClipDescription> {
  const isFolder = (await files.list(path)) !== undefined;
  const folder = isFolder ? path : folderOf(path);
  const stored = await openWhole(files, isFolder ? await weightsIn(files, folder) : path);
  const isOpenClip = stored.has('visual.conv1.weight');
  if (!isOpenClip && !stored.has('vision_model.embeddings.class_embedding')) throw noClip(stored);
  const checkpoint = isOpenClip ? mappedCheckpoint(stored, openClip(stored.names())) : stored;
  const stated = await statedConfig(files, folder, isOpenClip);
  const config = clipConfig(stated?.json ?? clipJson(checkpoint, isOpenClip));
  const size = config.vision.image_size;
  const preprocessing = stated?.preprocessing(size) ?? usualPreprocessing(size);
  return { name: nameOf(path), checkpoint, file: stored, config, preprocessing, isOpenClip, folder };
}

function noClip(file: Checkpoint): UserError {
  const names = file.names();
  return new UserError(
    'UNSUPPORTED',
    `"${file.path}" is no CLIP: looked for vision_model.embeddings.class_embedding (transformers) or visual.conv1.weight (open_clip) among its ${names.length} tensors; it has ${names.slice(0, 3).join(', ') || 'none'}${names.length > 3 ? ', ...' : ''}.${seemsLike(names)}`,
  );
}

/** The weights of a CLIP's folder: transformers' file where there is a config.json, else open_clip's. */
async function weightsIn(files: Files, folder: string): Promise<string> {
  const names = (await files.list(folder)) ?? [];
  if (names.includes('config.json')) return findWeights(files, folder);
  const published = [
    'open_clip_model.safetensors',
    'open_clip_pytorch_model.safetensors',
    'open_clip_pytorch_model.bin',
  ];
  const found = published.find((name) => names.includes(name));
  if (found) return joinPath(folder, found);
  throw new UserError(
    'NOT_FOUND',
    `"${folder}" is no CLIP: looked for config.json with transformers' weights, and for ${published.join(', ')}; ${await contentOf(files, folder)}. A single file is named by its own path.`,
  );
}

/** What the folder states of a model in this layout, if it states anything. */
async function statedConfig(files: Files, folder: string, isOpenClip: boolean) {
  const names = (await files.list(folder)) ?? [];
  if (isOpenClip) {
    if (!names.includes('open_clip_config.json')) return undefined;
    const { model_cfg, preprocess_cfg } = await readConfig(files, folder, 'open_clip_config.json');
    return {
      json: openClipJson((model_cfg ?? {}) as Json),
      preprocessing: (size: number) => openClipPreprocessing((preprocess_cfg ?? {}) as Json, size),
    };
  }
  if (!names.includes('config.json')) return undefined;
  const processor = 'preprocessor_config.json';
  const preprocessor = names.includes(processor) ? await readConfig(files, folder, processor) : {};
  return {
    json: await readConfig(files, folder),
    preprocessing: (size: number) => clipPreprocessing(preprocessor, size),
  };
}

/** The model's own tokenizer, or one with a vocabulary of the right size from nearby, see `findVocabulary`. */
async function tokenizerOf(
  files: Files,
  { folder, isOpenClip, checkpoint }: ClipDescription,
  { vocab_size: size, max_position_embeddings: length }: ClipTextConfig,
): Promise<Tokenizer> {
  if (isOpenClip) {
    const merges = await mergesBeside(files, folder, size);
    return simpleTokenizer(merges ?? (await findVocabulary(files, checkpoint.path, size)).merges);
  }
  for (const place of [folder, joinPath(folder, 'tokenizer')]) {
    const vocabulary = await readVocabulary(files, place).catch(() => undefined);
    if (vocabulary && Object.keys(vocabulary.vocab).length <= size) return loadClipTokenizer(files, place, size);
  }
  const vocabulary = await findVocabulary(files, folder, size);
  return clipTokenizer(vocabulary, { model_max_length: length }, vocabulary.path);
}

/** Of a `bpe_simple_vocab_16e6.txt.gz`, as open_clip's own code carries it. */
async function mergesBeside(files: Files, folder: string, size: number): Promise<string[] | undefined> {
  for (const place of [folder, joinPath(folder, 'simple_tokenizer')]) {
    const name = (await files.list(place))?.find((each) => each.endsWith('.txt.gz'));
    if (name === undefined) continue;
    const path = joinPath(place, name);
    const merges = readMerges(await readWhole(files, path, largest.merges), path);
    if (vocabularySize(merges) === size) return merges;
  }
  return undefined;
}
