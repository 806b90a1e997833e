/**
 * Tensors that files carry and no model here needs, by the ends or whole names of the tensors. Everything else that a
 * reader does not take is a reason to stop, see `WholeFile`.
 */
const needless: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/(^|\.)position_ids$/, 'positions, counted up from 0'],
  [/(^|\.)num_batches_tracked$/, 'a counter of training'],
  [/^(.+\.)?model_ema\./, 'running means of weights, for going on with training'],
  [/^(optimizer|optimizer_states|lr_schedulers|ema|scaler)[/.]/, 'the state of a training'],
  [/^(global_step|epoch|model_ema\.(decay|num_updates))$/, 'a counter of training'],
  [/^((first_stage_model|vae)\.)?loss\./, 'the discriminator and losses of a training'],
  [/^(betas|(log_|sqrt_)?(one_minus_)?alphas_cumprod(_prev)?)$/, 'the noise schedule, which all these models share'],
  [/^(sqrt_one_minus|log_one_minus|sqrt_recip|sqrt_recipm1)_alphas_cumprod$/, 'the noise schedule likewise'],
  [/^posterior_(variance|log_variance_clipped|mean_coef[12])$/, 'the noise schedule likewise'],
  [/^(denoiser\.(log_)?sigmas|lvlb_weights|logvar|scale_factor)$/, 'settings of a training that configs state'],
  [
    /^cond_stage_model\..*(logit_scale|text_projection(\.weight)?)$/,
    'of a whole CLIP: Stable Diffusion 1 and 2 take no pooled text',
  ],
  [/^conditioner\.embedders\.\d+\.(.+\.)?logit_scale$/, 'of a whole CLIP: its temperature'],
  [
    /^conditioner\.embedders\.0\.(transformer\.)?text_projection(\.weight)?$/,
    'of a whole CLIP: SDXL pools its second text encoder only',
  ],
  [/^(text_encoder\.)?(logit_scale|input_resolution|context_length|vocab_size)$/, 'settings of a CLIP'],
  [/^(transformer\.)?h\.\d+\.attn\.(masked_)?bias$/, "GPT-2's causal mask"],
  [/^lm_head\.weight$/, "GPT-2's token embedding once more"],
];

/** Whether a tensor of that name is known to be needless. */
export function isNeedless(name: string): boolean {
  return needless.some(([pattern]) => pattern.test(name));
}
