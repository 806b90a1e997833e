import { UserError } from '../../nodes/errors.ts';
import type { HubFile, HubModel } from './hub.ts';

/** The folders of a diffusers pipeline that this program reads. */
const COMPONENTS = [
  'scheduler',
  'text_encoder',
  'text_encoder_2',
  'tokenizer',
  'tokenizer_2',
  'unet',
  'vae',
  'controlnet',
];
/** Names of weight files best first, without variant and ending. */
const WEIGHT_STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model', 'pytorch_lora_weights', 'adapter_model'];
const TEXT_FILE =
  /^([\w-]*config|model_index|vocab|tokenizer|special_tokens_map|added_tokens)\.json$|^(merges|vocab)\.txt$|^(LICENSE|README)(\.\w+)?$/i;

/**
 * The files of a model that are needed to load it: of a diffusers pipeline only the folders that are read, and in each
 * folder one set of weights: safetensors before torch files, the variant asked for (e.g. `fp16`) where there is one.
 * Throws UserError `NO_WEIGHTS` that lists what there is, where no set of weights can be chosen.
 */
export function chooseFiles(model: HubModel, variant = ''): HubFile[] {
  const isPipeline = model.files.some(({ path }) => path === 'model_index.json');
  const folders = groupBy(model.files, ({ path }) => path.slice(0, path.lastIndexOf('/') + 1));
  const needed = [...folders].flatMap(([folder, files]) => {
    if (folder !== '' && !(isPipeline && COMPONENTS.includes(folder.slice(0, -1)))) return [];
    const texts = files.filter(({ path }) => TEXT_FILE.test(path.slice(folder.length)));
    return folder === '' && isPipeline ? texts : [...texts, ...chooseWeights(files, folder, variant)];
  });
  if (needed.some(({ path }) => isWeights(path))) return needed;
  const candidates = model.files.filter(({ path }) => isWeights(path)).map(({ path }) => path);
  const remedy = candidates.length
    ? `choose with --file among: ${candidates.join(', ')}`
    : 'it has no .safetensors, .bin, .ckpt, .pt or .pth file at all';
  throw new UserError('NO_WEIGHTS', `"${model.name}" is no folder of diffusers, transformers or peft; ${remedy}.`);
}

/** Exactly the named files, each of which must be there: throws UserError `NOT_FOUND`. */
export function findFiles(model: HubModel, paths: readonly string[]): HubFile[] {
  return paths.map((path) => {
    const file = model.files.find((file) => file.path === path);
    if (file) return file;
    const there = model.files.map((file) => file.path).join(', ');
    throw new UserError('NOT_FOUND', `"${model.name}" has no file "${path}"; it has: ${there}.`);
  });
}

function chooseWeights(files: readonly HubFile[], folder: string, variant: string): HubFile[] {
  for (const ending of ['safetensors', 'bin']) {
    for (const stem of WEIGHT_STEMS) {
      const sets = groupBy(files, ({ path }) => parseVariant(path.slice(folder.length), stem, ending));
      sets.delete(undefined);
      const chosen = sets.get(variant) ?? sets.get('') ?? sets.values().next().value;
      if (chosen) return chosen;
    }
  }
  return [];
}

/**
 * The variant of a weight file (`''` for none), or undefined where it is not one of this stem and ending. Knows
 * `stem.fp16.safetensors`, its shards `stem.fp16-00001-of-00002.safetensors`, and `stem.safetensors.index.fp16.json`.
 */
function parseVariant(name: string, stem: string, ending: string): string | undefined {
  const shape = new RegExp(
    `^${stem}(?:\\.(\\w+))?(?:-\\d+-of-\\d+)?\\.${ending}$|^${stem}\\.${ending}\\.index(?:\\.(\\w+))?\\.json$`,
  );
  const match = shape.exec(name);
  return match ? (match[1] ?? match[2] ?? '') : undefined;
}

function groupBy<Key>(files: readonly HubFile[], keyOf: (file: HubFile) => Key): Map<Key, HubFile[]> {
  const groups = new Map<Key, HubFile[]>();
  for (const file of files) groups.set(keyOf(file), [...(groups.get(keyOf(file)) ?? []), file]);
  return groups;
}

function isWeights(path: string): boolean {
  return /\.(safetensors|bin|ckpt|pt|pth)$/.test(path);
}
