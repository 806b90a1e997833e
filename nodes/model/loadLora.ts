import { defineNode, one } from '../defineNode.ts';
import { loadLora as load } from '../ml/models/load/loadLora.ts';
import { model, number } from '../params.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const loadLora = defineNode({
  type: 'model/load-lora',
  version: 1,
  title: 'Load LoRA',
  summary: 'The same generator with a LoRA, which adds a style, a subject or fewer steps; several are chained.',
  source: 'arXiv 2106.09685; LyCORIS, arXiv 2309.14859',
  inputs: { generator: one('generator') },
  params: {
    model: model({
      takes: 'lora',
      initial: 'latent-consistency/lcm-lora-sdv1-5',
      help: 'A .safetensors or .pt file, a folder with pytorch_lora_weights.safetensors, or the name of a pulled LoRA: of diffusers, peft or kohya; LoRA, LoCon, LoHa or LoKr.',
    }),
    strength: number({
      initial: 1,
      min: -10,
      max: 10,
      step: 0.05,
      help: 'How much of it counts in the U-Net: 1 as trained, 0 nothing, below 0 the opposite.',
    }),
    textStrength: number({
      initial: 1,
      min: -10,
      max: 10,
      step: 0.05,
      help: 'How much of it counts in the text encoders, where it changes them.',
    }),
  },
  outputs: { generator: 'generator' },
  files: (params) => [params.model],
  run: async ({ generator }, { model, strength, textStrength }, context) => ({
    generator: await load(
      context.files,
      model,
      generator,
      { unet: strength, text: textStrength },
      loadOptions(context),
    ),
  }),
});
