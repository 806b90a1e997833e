/** A kind of file, known by the names of its tensors, and the node that takes it where there is one. */
interface FileKind {
  readonly what: string;
  readonly names: RegExp;
  readonly node?: string;
}

/** Names of tensors that only files of a kind have. */
export const loraNames = /(^|[._])lora_(up|down|A|B|mid|unet|te\d?)\b|^lora_(unet|te\d?|prior)_|[._]lora\.(up|down)\./;
export const lycorisNames = /\.(hada_w[12]|lokr_w[12])/;
export const controlNetNames = /^(control_model\.|controlnet_)|(^|\.)(input_hint_block|zero_convs)\./;

/** The first that matches a name counts. Nodes are types of nodes/index.ts. */
export const fileKinds: readonly FileKind[] = [
  { what: 'a Control-LoRA', names: /^lora_controlnet$/ },
  {
    what: 'a LyCORIS of another kind than LoHa and LoKr (DoRA, Tucker, OFT, GLoRA or IA3)',
    names: /\.(hada_t[12]|lokr_t2|oft_(blocks|diag)|on_input$|dora_scale$|[ab][12]\.weight$)/,
  },
  { what: 'a LyCORIS (LoHa or LoKr)', names: lycorisNames, node: 'model/load-lora' },
  {
    what: 'a LoRA',
    names: loraNames,
    node: 'model/load-lora',
  },
  { what: 'a ControlNet-LLLite', names: /^lllite_/ },
  { what: 'a ControlNet-XS', names: /(^|\.)(ctrl_to_base|base_to_ctrl)\b/ },
  { what: 'the difference of a ControlNet from the model that it was trained with', names: /^difference$/ },
  { what: 'an IP-Adapter', names: /^(ip_adapter|image_proj)[./]|\.to_[kv]_ip\./ },
  { what: 'a T2I-Adapter', names: /^(adapter\.)?body\.\d+\.(resnets\.\d+\.)?(block[12]|in_conv)\./ },
  {
    what: 'a union ControlNet (ProMax), one network for many kinds of image',
    names: /(^|\.)(task_embedding$|control_add_embedding\.|transformer_layes\.|spatial_ch_projs\.)/,
  },
  {
    what: 'a ControlNet',
    names: controlNetNames,
    node: 'model/load-controlnet',
  },
  {
    what: 'textual inversion: learned words',
    names: /^(emb_params|string_to_(param|token)[/.].*|clip_[lgh]|<.+>|\*)$/,
  },
  { what: 'an AnimateDiff motion module', names: /motion_modules\./ },
  { what: 'Stable Diffusion 3', names: /(^|\.)joint_blocks\./ },
  {
    what: 'Flux or another transformer of its kind',
    names: /(^|\.)(double_blocks|single_blocks|single_transformer_blocks)\./,
  },
  {
    what: 'the SDXL refiner, which goes on with images of SDXL',
    names: /^conditioner\.embedders\.0\.model\./,
  },
  {
    what: 'an upscaler (ESRGAN, SwinIR or their kin)',
    names:
      /^(params(_ema)?\/)?(model\.\d+\.(sub\.|weight)|body\.\d+\.rdb\d|RRDB_trunk\.|conv_first\.|layers\.\d+\.residual_group\.|upsample\.\d)/,
  },
  { what: 'a T5 text encoder', names: /(^|\.)(encoder\.block\.\d+\.layer\.\d+\.|shared\.weight$)/ },
  {
    what: 'a CLIP of both images and text',
    names: /^((vision_model|visual)\.|visual_projection\.)/,
    node: 'reward/clip-score',
  },
  {
    what: "a text encoder of CLIP's kind",
    names: /^(text_model\.|cond_stage_model\.|conditioner\.|transformer\.resblocks\.)/,
  },
  {
    what: 'a VAE',
    names:
      /^((first_stage_model|vae)\.)?((encoder|decoder)\.(conv_in|mid|mid_block|up|down|up_blocks|down_blocks)\.|(post_)?quant_conv\.)/,
    node: 'model/swap-decoder',
  },
  {
    what: 'a U-Net without its text encoder and VAE',
    names: /^(model\.diffusion_model\.|input_blocks\.|output_blocks\.|(down|up)_blocks\.|time_embed)/,
    node: 'model/load-generator',
  },
];

/** For people, after what is wrong with a file that holds these tensors: what it looks like. Empty where nothing is known. */
export function seemsLike(names: readonly string[]): string {
  const kind = fileKinds.find((each) => names.some((name) => each.names.test(name)));
  if (!kind) return '';
  return ` It looks like ${kind.what}, ${kind.node ? `which ${kind.node} takes` : 'which no node takes'}.`;
}
