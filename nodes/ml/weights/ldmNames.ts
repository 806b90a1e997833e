import type { TensorSource } from './mappedCheckpoint.ts';

/**
 * From the names of CompVis' latent-diffusion code, which single-file checkpoints use, to those of diffusers. Each
 * function takes all names of a file and returns, for one network, diffusers' name -> where its tensor lies.
 * Source: CompVis/latent-diffusion, openaimodel.py and model.py.
 */
export type Sources = Map<string, TensorSource>;

/** An ordered list of [pattern, replacement]; the first that matches a name applies. */
type Rules = readonly (readonly [RegExp, string | ((...groups: string[]) => string)])[];

function rename(name: string, rules: Rules): string | undefined {
  for (const [pattern, replacement] of rules) {
    const match = pattern.exec(name);
    if (!match) continue;
    if (typeof replacement === 'string') return name.replace(pattern, replacement);
    return replacement(...match.slice(1));
  }
  return undefined;
}

/** Names below `prefix`, with what follows it. */
function below(names: readonly string[], prefix: string): [name: string, rest: string][] {
  return names.filter((name) => name.startsWith(prefix)).map((name) => [name, name.slice(prefix.length)]);
}

/** The U-Net below `prefix`. */
export function ldmUnet(names: readonly string[], prefix = 'model.diffusion_model.'): Sources {
  const inside = below(names, prefix);
  return renamed(inside, unetRules(inside.map(([, rest]) => rest)));
}

/** A ControlNet below `prefix`: a U-Net's way down, the hint's convolutions, and one projection a skip connection. */
export function ldmControlNet(names: readonly string[], prefix: string): Sources {
  const inside = below(names, prefix);
  const rests = inside.map(([, rest]) => rest);
  const hints = rests.flatMap((rest) => Number(/^input_hint_block\.(\d+)\./.exec(rest)?.[1] ?? 0));
  const last = Math.max(...hints);
  const hint = (i: string) =>
    Number(i) === 0 ? 'conv_in' : Number(i) === last ? 'conv_out' : `blocks.${Number(i) / 2 - 1}`;
  return renamed(inside, [
    [/^input_hint_block\.(\d+)\.(.+)$/, (i, rest) => `controlnet_cond_embedding.${hint(i)}.${rest}`],
    [/^zero_convs\.(\d+)\.0\./, 'controlnet_down_blocks.$1.'],
    [/^middle_block_out\.0\./, 'controlnet_mid_block.'],
    ...unetRules(rests),
  ]);
}

function unetRules(rests: readonly string[]): Rules {
  // Input blocks count conv_in, then for each level its resnets and a downsampler.
  const firstDownsampler = rests.find((rest) => /^input_blocks\.\d+\.0\.op\.weight$/.test(rest))?.split('.')[1];
  const inputs = new Set(rests.flatMap((rest) => /^input_blocks\.(\d+)\./.exec(rest)?.[1] ?? [])).size;
  const layers = firstDownsampler === undefined ? inputs - 1 : Number(firstDownsampler) - 1;
  const down = (index: string) => [Math.floor((Number(index) - 1) / (layers + 1)), (Number(index) - 1) % (layers + 1)];
  const up = (index: string) => [Math.floor(Number(index) / (layers + 1)), Number(index) % (layers + 1)];
  return [
    [/^time_embed\.0\./, 'time_embedding.linear_1.'],
    [/^time_embed\.2\./, 'time_embedding.linear_2.'],
    [/^label_emb\.0\.0\./, 'add_embedding.linear_1.'],
    [/^label_emb\.0\.2\./, 'add_embedding.linear_2.'],
    [/^out\.0\./, 'conv_norm_out.'],
    [/^out\.2\./, 'conv_out.'],
    [/^input_blocks\.0\.0\./, 'conv_in.'],
    [/^input_blocks\.(\d+)\.0\.op\.(.+)$/, (i, rest) => `down_blocks.${down(i)[0]}.downsamplers.0.conv.${rest}`],
    [/^input_blocks\.(\d+)\.0\.(.+)$/, (i, rest) => `down_blocks.${down(i).join('.resnets.')}.${resnet(rest)}`],
    [/^input_blocks\.(\d+)\.1\.(.+)$/, (i, rest) => `down_blocks.${down(i).join('.attentions.')}.${rest}`],
    [/^middle_block\.1\./, 'mid_block.attentions.0.'],
    [/^middle_block\.([02])\.(.+)$/, (i, rest) => `mid_block.resnets.${Number(i) / 2}.${resnet(rest)}`],
    [/^output_blocks\.(\d+)\.0\.(.+)$/, (i, rest) => `up_blocks.${up(i).join('.resnets.')}.${resnet(rest)}`],
    [/^output_blocks\.(\d+)\.[12]\.conv\.(.+)$/, (i, rest) => `up_blocks.${up(i)[0]}.upsamplers.0.conv.${rest}`],
    [/^output_blocks\.(\d+)\.1\.(.+)$/, (i, rest) => `up_blocks.${up(i).join('.attentions.')}.${rest}`],
  ];
}

function resnet(rest: string): string {
  const parts: Record<string, string> = {
    'in_layers.0': 'norm1',
    'in_layers.2': 'conv1',
    'emb_layers.1': 'time_emb_proj',
    'out_layers.0': 'norm2',
    'out_layers.3': 'conv2',
    skip_connection: 'conv_shortcut',
  };
  return rest.replace(
    /^(in_layers\.[02]|emb_layers\.1|out_layers\.[03]|skip_connection)/,
    (part) => parts[part] ?? part,
  );
}

function renamed(inside: readonly [name: string, rest: string][], rules: Rules): Sources {
  return new Map(
    inside.flatMap(([name, rest]) => {
      const to = rename(rest, rules);
      return to === undefined ? [] : [[to, { name }] as const];
    }),
  );
}

/**
 * The autoencoder below `prefix`; its attention was written as 1x1 convolutions, by some converters under the names of
 * diffusers.
 */
export function ldmAutoencoder(names: readonly string[], prefix: string): Sources {
  const inside = below(names, prefix);
  const levels = new Set(inside.flatMap(([, rest]) => /^decoder\.up\.(\d+)\./.exec(rest)?.[1] ?? [])).size;
  const upLevel = (i: string) => levels - 1 - Number(i); // the file counts from the image, diffusers from the latents
  const rules: Rules = [
    [
      /^(encoder)\.down\.(\d+)\.block\.(\d+)\.(.+)$/,
      (side, i, j, rest) => `${side}.down_blocks.${i}.resnets.${j}.${shortcut(rest)}`,
    ],
    [/^(encoder)\.down\.(\d+)\.downsample\.conv\./, '$1.down_blocks.$2.downsamplers.0.conv.'],
    [
      /^(decoder)\.up\.(\d+)\.block\.(\d+)\.(.+)$/,
      (side, i, j, rest) => `${side}.up_blocks.${upLevel(i)}.resnets.${j}.${shortcut(rest)}`,
    ],
    [
      /^(decoder)\.up\.(\d+)\.upsample\.conv\.(.+)$/,
      (side, i, rest) => `${side}.up_blocks.${upLevel(i)}.upsamplers.0.conv.${rest}`,
    ],
    [
      /^(encoder|decoder)\.mid\.block_([12])\.(.+)$/,
      (side, i, rest) => `${side}.mid_block.resnets.${Number(i) - 1}.${shortcut(rest)}`,
    ],
    [/^(encoder|decoder)\.mid\.attn_1\.(?:group_)?norm\./, '$1.mid_block.attentions.0.group_norm.'],
    [
      /^(encoder|decoder)\.mid\.attn_1\.(?:to_)?([qkv]|query|key|value)\.(.+)$/,
      (side, part, rest) => `${side}.mid_block.attentions.0.to_${part.charAt(0)}.${rest}`,
    ],
    [
      /^(encoder|decoder)\.mid\.attn_1\.(?:proj_out|proj_attn|to_out\.0|to_out)\./,
      '$1.mid_block.attentions.0.to_out.0.',
    ],
    [/^(encoder|decoder)\.norm_out\./, '$1.conv_norm_out.'],
    [/^((encoder|decoder)\.conv_(in|out)|quant_conv|post_quant_conv)\./, '$1.'],
  ];
  const sources = renamed(inside, rules);
  for (const [name, source] of sources)
    if (/attentions\.0\.to_.+\.weight$/.test(name)) sources.set(name, { ...source, squeezed: true });
  return sources;
}

function shortcut(rest: string): string {
  return rest.replace(/^nin_shortcut\./, 'conv_shortcut.');
}

/** A text encoder in transformers' own naming below `prefix`; newer versions leave `text_model.` out. */
export function transformersText(names: readonly string[], prefix: string): Sources {
  const sources: Sources = new Map();
  for (const [name, rest] of below(names, prefix))
    if (!rest.endsWith('position_ids'))
      sources.set(/^text_(model|projection)\./.test(rest) ? rest : `text_model.${rest}`, { name });
  return sources;
}
