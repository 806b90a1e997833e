/**
 * The names of low-rank adapters: one published layout after another, all read by the same rule. A name is a place in a
 * network (`lora_unet_mid_block_attentions_0_proj_in`) and a role (`.lora_down.weight`). Places are compared with all dots
 * as underscores, since kohya's names have lost theirs: the names of a model's own modules are listed, none is split.
 * Source: diffusers, lora_conversion_utils.py; kohya-ss/sd-scripts, networks/lora.py; LyCORIS; ComfyUI, lora.py
 */

/** A network that adapters change, by diffusers' name. */
export type AdaptedPart = 'unet' | 'text_encoder' | 'text_encoder_2';

/** What a tensor is to its module. */
export type FactorName =
  | 'down'
  | 'up'
  | 'alpha'
  | `hada_w${1 | 2}_${'a' | 'b'}`
  | `lokr_w${1 | 2}`
  | `lokr_w${1 | 2}_${'a' | 'b'}`;

const separator = String.raw`(?:\.lora_|\.lora\.|_lora\.|\.lora_linear_layer\.)`;
const roles: readonly (readonly [RegExp, FactorName | undefined])[] = [
  [new RegExp(String.raw`(?:${separator}down|\.lora_A(?:\.default)?)\.weight$`), 'down'],
  [new RegExp(String.raw`(?:${separator}up|\.lora_B(?:\.default)?)\.weight$`), 'up'],
  [/(?:_lora|\.lora|\.lora_linear_layer)?\.alpha$/, 'alpha'],
  [/\.(hada_w[12]_[ab]|lokr_w[12](?:_[ab])?)$/, undefined], // named by itself
];

/** The place and the role that a tensor's name states; undefined where it is none of an adapter. */
export function readFactorName(name: string): { readonly place: string; readonly role: FactorName } | undefined {
  for (const [pattern, role] of roles) {
    const match = pattern.exec(name);
    if (match) return { place: name.slice(0, match.index), role: role ?? (match[1] as FactorName) };
  }
  return undefined;
}

/** Kinds of adapters that are not read, by a tensor that only they have. */
const otherKinds: readonly (readonly [RegExp, string])[] = [
  [/\.(dora_scale|lora_magnitude_vector(\.\w+)*)$/, 'DoRA, which also sets the norm of each weight'],
  [/\.(lora_mid\.weight|hada_t[12]|lokr_t[12])$/, 'a Tucker decomposition (LyCORIS use_tucker, use_cp)'],
  [/\.(diff|diff_b|set_weight)$/, 'whole differences of weights'],
  [/\.[wb]_norm$/, 'changes of norms'],
  [/\.oft_\w+(\.weight)?$|\.oft_R\./, 'OFT or BOFT, which turns weights'],
  [/\.[ab][12]\.weight$/, 'GLoRA'],
  [/\.on_input$/, 'IA3'],
  [/\.lora_(A|B|up|down)(\.\w+)?\.bias$|\.lora\.(up|down)\.bias$/, 'LoRA with biases'],
];

/** For people: the kind of adapter that a name belongs to and that is not supported. */
export function unsupportedKind(name: string): string | undefined {
  return otherKinds.find(([pattern]) => pattern.test(name))?.[1];
}

/** Ways to begin a name, longest first; those who save one network alone begin with nothing. */
const unetStarts = ['lora_unet_', 'lycoris_unet_', 'lycoris_', 'base_model_model_', 'unet_', 'diffusion_model_', ''];
const starts: Readonly<Record<AdaptedPart, readonly string[]>> = {
  text_encoder_2: ['lora_te2_', 'text_encoder_2_'],
  text_encoder: ['lora_te1_', 'lora_te_', 'text_encoder_', 'base_model_model_', ''],
  unet: unetStarts,
};

export interface AdaptedPlace {
  readonly part: AdaptedPart;
  /** The full name of the weight, by diffusers' and transformers' names. */
  readonly weight: string;
}

/** Finds the weight that a place means. `weights`: the names of all weights of each network. */
export function placeFinder(
  weights: Readonly<Partial<Record<AdaptedPart, Iterable<string>>>>,
): (place: string) => AdaptedPlace | undefined {
  const tables = Object.entries(weights).map(
    ([part, names]) => [part as AdaptedPart, moduleTable([...names])] as const,
  );
  return (place) => {
    const flat = flatten(place);
    for (const [part, table] of tables)
      for (const start of starts[part]) {
        const weight = flat.startsWith(start) ? table.get(flat.slice(start.length)) : undefined;
        if (weight !== undefined) return { part, weight };
      }
    return undefined;
  };
}

const flatten = (name: string): string => name.replaceAll('.', '_');

/** Every name of every module -> its weight. */
function moduleTable(names: readonly string[]): Map<string, string> {
  const table = new Map<string, string>();
  const layers = layersOf(names);
  for (const weight of names.filter((name) => name.endsWith('.weight'))) {
    const module = weight.slice(0, -'.weight'.length);
    for (const name of [module, ...oldNames(module), ldmName(module, layers, names)])
      if (name !== undefined) table.set(flatten(name), weight);
  }
  return table;
}

/** Attention before diffusers 0.22 and text encoders before 0.18; text encoders of transformers since 5. */
function oldNames(module: string): string[] {
  const attention = module.replace(/\.to_out\.0$/, '.to_out').replace(/\.(to_\w+)$/, '.processor.$1');
  const text = module
    .replace(/\.self_attn\.([qkv])_proj$/, '.self_attn.to_$1')
    .replace(/\.self_attn\.out_proj$/, '.self_attn.to_out');
  return [attention, text, text.replace(/^text_model\./, ''), module.replace(/^text_model\./, '')];
}

/** Residual blocks of each level on the way down, where all levels have as many: only such have names in latent-diffusion. */
function layersOf(names: readonly string[]): number | undefined {
  const counts = new Map<string, number>();
  for (const name of names) {
    const level = /^down_blocks\.(\d+)\.resnets\.\d+\.conv1\.weight$/.exec(name)?.[1];
    if (level !== undefined) counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  const different = new Set(counts.values());
  return different.size === 1 ? [...different][0] : undefined;
}

const ldmResnet: Readonly<Record<string, string>> = {
  conv1: 'in_layers.2',
  conv2: 'out_layers.3',
  time_emb_proj: 'emb_layers.1',
  conv_shortcut: 'skip_connection',
};
const ldmEnds: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0',
  conv_out: 'out.2',
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
};

/** The name of a U-Net's module in CompVis' and Stability's code. Source: CompVis/latent-diffusion, openaimodel.py */
function ldmName(module: string, layers: number | undefined, names: readonly string[]): string | undefined {
  if (layers === undefined) return undefined;
  if (Object.hasOwn(ldmEnds, module)) return ldmEnds[module];
  const [, side, block, kind, layer, rest] =
    /^(down|up|mid)_block(?:s\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(module) ?? [];
  if (side === undefined || rest === undefined) return undefined;
  const [level, index] = [Number(block ?? 0), Number(layer)];
  const inner = kind === 'resnets' ? (ldmResnet[rest] ?? rest) : rest;
  if (side === 'mid') return `middle_block.${kind === 'resnets' ? 2 * index : 1}.${inner}`;
  if (kind === 'downsamplers') return `input_blocks.${(level + 1) * (layers + 1)}.0.op`;
  if (kind === 'upsamplers') {
    const attends = names.some((name) => name.startsWith(`up_blocks.${level}.attentions.`));
    return `output_blocks.${level * (layers + 1) + layers}.${attends ? 2 : 1}.${inner}`;
  }
  const slot = kind === 'resnets' ? 0 : 1;
  if (side === 'down') return `input_blocks.${1 + level * (layers + 1) + index}.${slot}.${inner}`;
  return `output_blocks.${level * (layers + 1) + index}.${slot}.${inner}`;
}
