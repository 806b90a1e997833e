import type { Sources } from './ldmNames.ts';

/**
 * From the names of ImageReward.pt to those of our layers: q, k and v of the vision transformer are stacked in one matrix
 * there, and all parts of BLIP lie below `blip.`. `prefix` is what a mirror puts before every name.
 */
export function imageRewardNames(names: readonly string[], prefix: string): Sources {
  const sources: Sources = new Map();
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const rest = name.slice(prefix.length).replace(/^blip\./, '');
    const [, layer, part] = /^visual_encoder\.blocks\.(\d+)\.(.+)$/.exec(rest) ?? [];
    if (layer === undefined || part === undefined) {
      sources.set(rest, { name });
      continue;
    }
    const to = `visual_encoder.layers.${layer}`;
    const kind = /^attn\.qkv\.(weight|bias)$/.exec(part)?.[1];
    if (kind === undefined)
      sources.set(`${to}.${part.replace(/^norm/, 'layer_norm').replace(/^attn\.proj/, 'self_attn.out_proj')}`, {
        name,
      });
    else
      for (const [index, projection] of ['q_proj', 'k_proj', 'v_proj'].entries())
        sources.set(`${to}.self_attn.${projection}.${kind}`, { name, part: { index, of: 3 } });
  }
  return sources;
}
