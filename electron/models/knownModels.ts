import type { ModelKind } from '../../nodes/params.ts';

/** A model that this program knows by name. */
export interface KnownModel {
  /** What a graph writes to mean it: a hub name `owner/name`, or one file of such a model, `owner/name/file`. */
  readonly name: string;
  readonly kind: ModelKind;
  /** For people: architecture and what it is good for, in a few words. */
  readonly family: string;
  /** Bytes of what is downloaded, as the hub lists its files; rounded. */
  readonly bytes: number;
  /** As the model's own page states it; absent where it states none. */
  readonly licence?: string;
  /** Which set of weights is downloaded, where there are several. */
  readonly variant?: string;
  /** The files that are downloaded, where not those of a folder of diffusers or transformers. */
  readonly files?: readonly string[];
  /** What it cannot do without, downloaded along with it: as `name`. */
  readonly needs?: readonly string[];
}

const [MB, GB] = [1e6, 1e9];
const STABILITY = 'Stability AI Community';
const controlNet = { kind: 'controlnet', bytes: 723 * MB, licence: 'OpenRAIL', variant: 'fp16' } as const;

/**
 * A short list of models that are published and that this program reads, by kind. Sizes and licences are those of the
 * models' pages on the Hugging Face hub and of their files there; generators and ControlNets in float16.
 */
export const knownModels: readonly KnownModel[] = [
  {
    name: 'stabilityai/sd-turbo',
    kind: 'generator',
    family: 'SD 2 Turbo: 512 x 512 in one step',
    bytes: 2.58 * GB,
    licence: STABILITY,
    variant: 'fp16',
  },
  {
    name: 'stabilityai/sdxl-turbo',
    kind: 'generator',
    family: 'SDXL Turbo: 512 x 512 in one step',
    bytes: 6.94 * GB,
    licence: STABILITY,
    variant: 'fp16',
  },
  {
    name: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    kind: 'generator',
    family: 'SD 1.5: 512 x 512 in about 30 steps',
    bytes: 2.13 * GB,
    licence: 'CreativeML OpenRAIL-M',
    variant: 'fp16',
  },
  {
    name: 'madebyollin/taesd',
    kind: 'decoder',
    family: 'TAESD: small and quick, for SD 1 and 2',
    bytes: 9.8 * MB,
    licence: 'MIT',
  },
  {
    name: 'madebyollin/taesdxl',
    kind: 'decoder',
    family: 'TAESD: small and quick, for SDXL',
    bytes: 9.8 * MB,
    licence: 'MIT',
  },
  {
    name: 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
    kind: 'clip',
    family: 'CLIP ViT-H/14',
    bytes: 3.94 * GB,
    licence: 'MIT',
  },
  { name: 'openai/clip-vit-large-patch14', kind: 'clip', family: 'CLIP ViT-L/14', bytes: 1.71 * GB, licence: 'MIT' },
  { name: 'yuvalkirstain/PickScore_v1', kind: 'pick-score', family: 'PickScore, on CLIP ViT-H/14', bytes: 3.95 * GB },
  {
    name: 'xswu/HPSv2',
    kind: 'hps',
    family: 'HPSv2.1, on CLIP ViT-H/14',
    bytes: 1.97 * GB,
    licence: 'Apache-2.0',
    files: ['HPS_v2.1_compressed.pt'],
  },
  {
    name: 'THUDM/ImageReward',
    kind: 'image-reward',
    family: 'ImageReward, on BLIP',
    bytes: 1.79 * GB,
    licence: 'Apache-2.0',
    files: ['ImageReward.pt', 'med_config.json'],
    needs: ['google-bert/bert-base-uncased/vocab.txt'],
  },
  {
    name: 'trl-lib/ddpo-aesthetic-predictor/aesthetic-model.pth',
    kind: 'aesthetic',
    family: "LAION's head on CLIP ViT-L/14",
    bytes: 3.7 * MB,
    licence: 'Apache-2.0',
  },
  { name: 'lllyasviel/control_v11p_sd15_canny', family: 'Canny edges, for SD 1.5', ...controlNet },
  { name: 'lllyasviel/control_v11f1p_sd15_depth', family: 'Depth, for SD 1.5', ...controlNet },
  { name: 'lllyasviel/control_v11p_sd15_seg', family: 'Segmentation, for SD 1.5', ...controlNet },
  { name: 'lllyasviel/control_v11p_sd15_lineart', family: 'Line art, for SD 1.5', ...controlNet },
  { name: 'lllyasviel/control_v11p_sd15_softedge', family: 'Soft edges (HED), for SD 1.5', ...controlNet },
  {
    name: 'lllyasviel/Annotators/ControlNetHED.pth',
    kind: 'hed',
    family: 'HED of ControlNet',
    bytes: 59 * MB,
    licence: 'Apache-2.0',
  },
  {
    name: 'lllyasviel/Annotators/sk_model.pth',
    kind: 'line-art',
    family: 'Informative Drawings',
    bytes: 17 * MB,
    licence: 'MIT',
  },
];

/** The kinds of the built-in models that their files do not tell apart from others. */
const builtinKinds: Readonly<Record<string, ModelKind>> = { 'builtin:world-preference': 'pick-score' };

/** The kind of a model that is known by its name, whatever its files look like. */
export function kindByName(name: string): ModelKind | undefined {
  return builtinKinds[name] ?? knownModels.find((known) => known.name === name)?.kind;
}
