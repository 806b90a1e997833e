import type { Sources } from './ldmNames.ts';

/**
 * From the names of open_clip (and of OpenAI's CLIP) to those of transformers: transformers' name -> where its tensor lies.
 * q, k and v are stacked in one matrix there, and projections are stored as x @ P.
 * Source: mlfoundations/open_clip, model.py and transformer.py
 */
export function openClip(names: readonly string[]): Sources {
  const sources = openClipText(names, '');
  addTower(sources, names, 'visual.', 'vision_model', aroundVision);
  if (names.includes('logit_scale')) sources.set('logit_scale', { name: 'logit_scale' });
  return sources;
}

/** The text encoder alone, below `prefix`. `layers` keeps that many layers, all by default. */
export function openClipText(names: readonly string[], prefix: string, layers = Number.POSITIVE_INFINITY): Sources {
  const sources: Sources = new Map();
  addTower(sources, names, prefix, 'text_model', aroundText, layers);
  return sources;
}

function addTower(
  sources: Sources,
  names: readonly string[],
  prefix: string,
  model: string,
  around: Readonly<Record<string, string>>,
  layers = Number.POSITIVE_INFINITY,
): void {
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const rest = name.slice(prefix.length);
    const [, layer, part] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(rest) ?? [];
    if (layer === undefined) {
      const whole = Object.hasOwn(around, rest) ? around[rest] : undefined;
      if (whole) sources.set(whole, isStoredTransposed(rest) ? { name, transposed: true } : { name });
      continue;
    }
    if (Number(layer) >= layers || part === undefined) continue;
    const to = `${model}.encoder.layers.${layer}`;
    const kind = /^attn\.in_proj_(weight|bias)$/.exec(part)?.[1];
    if (kind === undefined) sources.set(`${to}.${insideLayer(part)}`, { name });
    else
      for (const [index, projection] of ['q_proj', 'k_proj', 'v_proj'].entries())
        sources.set(`${to}.self_attn.${projection}.${kind}`, { name, part: { index, of: 3 } });
  }
}

const aroundText: Readonly<Record<string, string>> = {
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
  text_projection: 'text_projection.weight',
  'text_projection.weight': 'text_projection.weight',
};

const aroundVision: Readonly<Record<string, string>> = {
  class_embedding: 'vision_model.embeddings.class_embedding',
  positional_embedding: 'vision_model.embeddings.position_embedding.weight',
  'conv1.weight': 'vision_model.embeddings.patch_embedding.weight',
  'ln_pre.weight': 'vision_model.pre_layrnorm.weight',
  'ln_pre.bias': 'vision_model.pre_layrnorm.bias',
  'ln_post.weight': 'vision_model.post_layernorm.weight',
  'ln_post.bias': 'vision_model.post_layernorm.bias',
  proj: 'visual_projection.weight',
};

function isStoredTransposed(name: string): boolean {
  return name === 'text_projection' || name === 'proj';
}

function insideLayer(part: string): string {
  return part
    .replace(/^ln_/, 'layer_norm')
    .replace(/^mlp\.c_fc\./, 'mlp.fc1.')
    .replace(/^mlp\.c_proj\./, 'mlp.fc2.')
    .replace(/^attn\.out_proj\./, 'self_attn.out_proj.');
}
