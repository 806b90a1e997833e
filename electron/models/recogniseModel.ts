import type { Files } from '../../nodes/files.ts';
import { controlNetNames, loraNames, lycorisNames } from '../../nodes/ml/weights/fileKinds.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import type { ModelKind } from '../../nodes/params.ts';
import { parseJson } from '../../nodes/parseJson.ts';
import { largest, readText } from '../../nodes/readWhole.ts';

/** What a model on the disk is, as far as its configs and the names of its tensors tell; `{}` where they tell nothing. */
export interface Recognised {
  readonly kind?: ModelKind;
  /** For people: the architecture, e.g. `SDXL`, `ViT-L/14`. */
  readonly family?: string;
  /** Steps that the model's own files recommend. */
  readonly steps?: number;
}

/** Recognises a folder of diffusers, transformers or peft, or a single file, by its content. Reads headers only, never throws. */
export async function recogniseModel(files: Files, path: string): Promise<Recognised> {
  try {
    const names = await files.list(path);
    return names ? await recogniseFolder(files, path, names) : await recogniseFile(files, path);
  } catch {
    return {}; // broken or of another kind: loading it says what is wrong
  }
}

type Json = Readonly<Record<string, unknown>>;

async function recogniseFolder(files: Files, folder: string, names: readonly string[]): Promise<Recognised> {
  const json = (name: string) => readJson(files, `${folder}/${name}`);
  if (names.includes('model_index.json')) {
    const [index, unet] = [await json('model_index.json'), await json('unet/config.json').catch((): Json => ({}))];
    const { steps } = (index.recommended ?? {}) as { readonly steps?: unknown };
    return {
      kind: 'generator',
      ...familyOf(unet.cross_attention_dim),
      ...(typeof steps === 'number' && { steps }),
    };
  }
  if (names.some((name) => /^HPS_v2(\.1)?_compressed\.pt$/.test(name))) return { kind: 'hps', family: 'HPSv2' };
  if (names.includes('ImageReward.pt')) return { kind: 'image-reward', family: 'ImageReward' };
  if (names.some((name) => /^(pytorch_lora_weights|adapter_model)\./.test(name))) return { kind: 'lora' };
  if (names.includes('config.json')) return recogniseConfig(await json('config.json'));
  const openClip = names.find((name) => /^open_clip_(pytorch_)?model\.(safetensors|bin)$/.test(name));
  if (openClip !== undefined) return recogniseFile(files, `${folder}/${openClip}`);
  return {};
}

function recogniseConfig(config: Json): Recognised {
  const { _class_name: name, model_type: type, task } = config;
  if (name === 'ControlNetModel') return { kind: 'controlnet', ...familyOf(config.cross_attention_dim) };
  if (name === 'AutoencoderKL' || name === 'AutoencoderTiny') return { kind: 'decoder', family: name };
  if (name === 'AestheticHead') return { kind: 'aesthetic' };
  if (name === 'ImageUNet' && (task === 'depth' || task === 'segmentation')) return { kind: task };
  if (type === 'gpt2') return { kind: 'language', family: 'GPT-2' };
  if (type === 'clip') {
    const width = (config.vision_config as Json | undefined)?.hidden_size;
    return { kind: 'clip', ...visionFamily(width) };
  }
  return {};
}

/** The first whose names all occur counts. */
const contents: readonly { readonly names: readonly RegExp[]; readonly kind: ModelKind; readonly family?: string }[] = [
  {
    names: [/^model\.diffusion_model\./, /^first_stage_model\./, /^conditioner\.embedders\.1\./],
    kind: 'generator',
    family: 'SDXL',
  },
  {
    names: [/^model\.diffusion_model\./, /^first_stage_model\./, /^cond_stage_model\.transformer\./],
    kind: 'generator',
    family: 'SD 1',
  },
  { names: [/^model\.diffusion_model\./, /^first_stage_model\./], kind: 'generator', family: 'SD 2' },
  { names: [controlNetNames], kind: 'controlnet' },
  { names: [lycorisNames], kind: 'lora' },
  { names: [loraNames], kind: 'lora' },
  { names: [/^blip\./], kind: 'image-reward', family: 'ImageReward' },
  { names: [/^layers\.\d+\.weight$/], kind: 'aesthetic' },
  { names: [/^(visual\.conv1\.weight|vision_model\.embeddings\.class_embedding)$/], kind: 'clip' },
  { names: [/^((first_stage_model|vae)\.)?decoder\.conv_in\.weight$/], kind: 'decoder' },
];

async function recogniseFile(files: Files, path: string): Promise<Recognised> {
  if (/HPS_v2(\.1)?_compressed\.pt$/.test(path)) return { kind: 'hps', family: 'HPSv2' };
  const found = (await openCheckpoint(files, path)).names().map((name) => name.replace(/^state_dict[./]/, ''));
  const known = contents.find(({ names }) => names.every((each) => found.some((name) => each.test(name))));
  return known ? { kind: known.kind, ...(known.family === undefined ? {} : { family: known.family }) } : {};
}

/** Stable Diffusion's families differ in the width of their text features. */
function familyOf(width: unknown): Pick<Recognised, 'family'> {
  const family = ({ 768: 'SD 1', 1024: 'SD 2', 2048: 'SDXL' } as Readonly<Record<string, string>>)[String(width)];
  return family === undefined ? {} : { family };
}

/** OpenAI's and LAION's CLIPs differ in the width of their vision encoder. */
function visionFamily(width: unknown): Pick<Recognised, 'family'> {
  const family = (
    { 768: 'ViT-B', 1024: 'ViT-L/14', 1280: 'ViT-H/14', 1664: 'ViT-bigG/14' } as Readonly<Record<string, string>>
  )[String(width)];
  return family === undefined ? {} : { family };
}

async function readJson(files: Files, path: string): Promise<Json> {
  const read = parseJson(await readText(files, path, largest.config));
  return typeof read === 'object' && read !== null ? (read as Json) : {};
}
