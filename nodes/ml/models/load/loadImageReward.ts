import { UserError } from '../../../errors.ts';
import { type Files, folderOf, joinPath } from '../../../files.ts';
import { bertTokenizer, readWordPieces } from '../../text/bertTokenizer.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { dispose } from '../../tf.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { imageRewardNames } from '../../weights/imageRewardNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole } from '../../weights/wholeFile.ts';
import { affineLayers, collapse } from '../affineHead.ts';
import { bertReaderConfig, bertReaderShapes } from '../bertReader.ts';
import { type BlipVisionConfig, blipVisionShapes } from '../blipVision.ts';
import { type ImageReward, type ImageRewardConfig, imageReward } from '../imageReward.ts';
import type { MemoryOptions } from '../unetBlocks.ts';
import { type Json, reader } from '../unetConfig.ts';
import { countOf, sizeOf } from './ldmConfigs.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { contentOf, nameOf, readConfig } from './modelFolder.ts';

/** ImageReward with its weights in memory. */
export interface LoadedImageReward extends ImageReward {
  readonly name: string;
  /** Side of its images in pixels. */
  readonly imageSize: number;
  readonly tokenizer: Tokenizer;
  readonly config: ImageRewardConfig;
  /** Bytes of weights held. */
  readonly bytes: number;
  dispose(): void;
}

/**
 * Loads ImageReward: a folder or snapshot with ImageReward.pt or a mirror's model.safetensors, or that file itself;
 * sizes that shapes do not show come from med_config.json and vision_config.json beside it, where they exist. The caller
 * owns it. Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG`, `BAD_CHECKPOINT`, `WRONG_WEIGHTS`, `NO_TOKENIZER`,
 * `NOT_ENOUGH_MEMORY`, or the signal's reason.
 */
export async function loadImageReward(
  files: Files,
  location: string,
  options: LoadOptions = {},
): Promise<LoadedImageReward> {
  const path = await files.locate(location);
  const isFolder = (await files.list(path)) !== undefined;
  const folder = isFolder ? path : folderOf(path);
  const stored = await openWhole(files, isFolder ? await weightsIn(files, folder) : path);
  const checkpoint = underOurNames(stored);
  const config = await configOf(files, folder, checkpoint);
  const tokenizer = await tokenizerOf(files, folder, config.text.vocab_size);
  const head = affineLayers(checkpoint, 'mlp.', config.text.hidden_size);
  const shapes = new Map([
    ...blipVisionShapes(config.vision),
    ...bertReaderShapes(config.text, config.vision.width),
    ...head.shapes,
  ]);
  stored.setAside(stored.names().filter((name) => /(^|\.)(vision_proj|text_proj)\./.test(name))); // of BLIP's other tasks
  const part = { title: 'ImageReward', checkpoint, shapes, file: stored };
  const loaded = await loadParts(nameOf(path), { whole: part }, options);
  const weights = loaded.weights.whole;
  const affine = collapse(head.names.map((name) => weights.at(name)));
  const memory: MemoryOptions = { recompute: true, ...options.memory };
  return {
    ...imageReward(weights, config, affine, tokenizer, memory),
    name: nameOf(path),
    imageSize: config.vision.imageSize,
    tokenizer,
    config,
    bytes: loaded.bytes,
    dispose() {
      dispose([affine.weight, affine.bias]);
      loaded.dispose();
    },
  };
}

/** ImageReward.pt, one named like it, or what mirrors call it. */
async function weightsIn(files: Files, folder: string): Promise<string> {
  const names = (await files.list(folder)) ?? [];
  const patterns = [
    /^ImageReward\.pt$/,
    /^ImageReward.*\.(pt|safetensors)$/,
    /^model\.safetensors$/,
    /^pytorch_model\.bin$/,
  ];
  const found = patterns.flatMap((pattern) => names.find((name) => pattern.test(name)) ?? [])[0];
  if (found !== undefined) return joinPath(folder, found);
  throw new UserError(
    'NOT_FOUND',
    `"${folder}" is no ImageReward: looked for ImageReward.pt and model.safetensors; ${await contentOf(files, folder)}.`,
  );
}

function underOurNames(file: Checkpoint): Checkpoint {
  const names = file.names();
  const mark = 'blip.visual_encoder.cls_token';
  const marked = names.find((name) => name.endsWith(mark));
  if (marked !== undefined)
    return mappedCheckpoint(file, imageRewardNames(names, marked.slice(0, marked.length - mark.length)));
  throw new UserError(
    'UNSUPPORTED',
    `"${file.path}" is no ImageReward: looked for ${mark} among its ${names.length} tensors; it has ${names.slice(0, 3).join(', ') || 'none'}${names.length > 3 ? ', ...' : ''}.`,
  );
}

/** Heads are 64 wide in the published model, whose files do not say so of its vision transformer. */
async function configOf(files: Files, folder: string, file: Checkpoint): Promise<ImageRewardConfig> {
  const names = (await files.list(folder)) ?? [];
  const optional = async (name: string): Promise<Json> => (names.includes(name) ? readConfig(files, folder, name) : {});
  const stated = ((await optional('vision_config.json')).vision ?? {}) as Json;
  const [encoder, reading] = ['visual_encoder', 'text_encoder'];
  const width = sizeOf(file, `${encoder}.cls_token`, 2);
  const patchSize = sizeOf(file, `${encoder}.patch_embed.proj.weight`, 2);
  const patches = sizeOf(file, `${encoder}.pos_embed`, 1) - 1;
  const read = reader('vision transformer of ImageReward', stated);
  const vision: BlipVisionConfig = {
    width,
    patchSize,
    imageSize: read.count('image_size', patchSize * Math.round(Math.sqrt(patches))),
    depth: countOf(file, (i) => `${encoder}.layers.${i}.mlp.fc1.weight`),
    heads: read.count('heads', width / 64),
    inner: sizeOf(file, `${encoder}.layers.0.mlp.fc1.weight`, 0),
  };
  if (width % vision.heads) throw read.bad(`"heads" is ${vision.heads}, which do not share a width of ${width} evenly`);
  const words = `${reading}.embeddings.word_embeddings.weight`;
  const shown = {
    vocab_size: sizeOf(file, words, 0),
    hidden_size: sizeOf(file, words, 1),
    num_hidden_layers: countOf(file, (i) => `${reading}.encoder.layer.${i}.intermediate.dense.weight`),
    intermediate_size: sizeOf(file, `${reading}.encoder.layer.0.intermediate.dense.weight`, 0),
    max_position_embeddings: sizeOf(file, `${reading}.embeddings.position_embeddings.weight`, 0),
    num_attention_heads: sizeOf(file, words, 1) / 64,
  };
  // Configs of BERT do not all know the two tokens that BLIP adds: the file's own vocabulary counts.
  const text = { ...shown, ...(await optional('med_config.json')), vocab_size: shown.vocab_size };
  return { vision, text: bertReaderConfig(text) };
}

/** Models whose vocabulary is that of BERT base, uncased. */
const published = ['google-bert/bert-base-uncased', 'Salesforce/blip-image-captioning-base'];

/** The vocabulary lies in the model's folder, in `tokenizer` in or beside it, or in a published model that was pulled. */
async function tokenizerOf(files: Files, folder: string, size: number): Promise<Tokenizer> {
  const folders = [folder, joinPath(folder, 'tokenizer'), joinPath(folder, 'bert-base-uncased')];
  for (const model of published) {
    const pulled = await files.locate(model).catch(() => undefined);
    if (pulled !== undefined) folders.push(pulled);
  }
  for (const place of folders) {
    const vocab = await readWordPieces(files, place);
    if (!vocab || Object.keys(vocab).length > size) continue;
    const hasConfig = (await files.list(place))?.includes('tokenizer_config.json');
    const config = hasConfig ? await readConfig(files, place, 'tokenizer_config.json') : {};
    return bertTokenizer(vocab, { lowercase: config.do_lower_case !== false }, place);
  }
  throw new UserError(
    'NO_TOKENIZER',
    `"${folder}" needs BERT's vocabulary, which ImageReward's files do not carry. Put vocab.txt of google-bert/bert-base-uncased beside them, or pull that model once: noiseloom models pull google-bert/bert-base-uncased.`,
  );
}
