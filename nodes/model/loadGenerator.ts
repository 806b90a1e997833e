import { defineNode } from '../defineNode.ts';
import { loadGenerator as load } from '../ml/models/load/loadGenerator.ts';
import { promptStyles, readings } from '../ml/models/promptReader.ts';
import { choice, integer, model } from '../params.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const loadGenerator = defineNode({
  type: 'model/load-generator',
  version: 3,
  title: 'Load generator',
  summary: 'A text-to-image model: Stable Diffusion 1, 2, XL or their Turbo kin.',
  source: 'arXiv 2112.10752, 2307.01952',
  inputs: {},
  params: {
    model: model({
      takes: 'generator',
      initial: 'builtin:world',
      help: 'A built-in model, a diffusers folder, a single .safetensors or .ckpt file, or the name of a pulled model.',
    }),
    promptStyle: choice({
      initial: 'comfy',
      options: promptStyles,
      aliases: { comfy: ['ComfyUI'], a1111: ['webui', 'automatic1111', 'stable-diffusion-webui'] },
      help: "Whose weights prompts have, as (x:1.2): comfy is ComfyUI's way, a1111 stable-diffusion-webui's, which also has [x], BREAK, AND, [a:b:0.4] and [a|b]; both read prompts of any length, in chunks of 75 tokens. a1111-no-norm and a1111-ignore are its settings of Emphasis. plain takes every sign as it is and cuts what is too long, as do models that know few words.",
    }),
    clipSkip: integer({
      initial: 0,
      min: 0,
      max: 12,
      words: { model: 0 },
      help: "Which layer of the text encoders counts, from the end: 1 is the last, 2 the last but one, as A1111's Clip skip and -1, -2 of ComfyUI's CLIP Set Last Layer; diffusers' clip_skip is one less. model is 1 for Stable Diffusion 1, 2 for 2 and XL; A1111 ignores any other for those.",
    }),
    prediction: choice({
      initial: 'auto',
      options: ['auto', 'epsilon', 'v', 'sample'],
      help: 'What the U-Net predicts: auto takes what the files say; v is the velocity of many later models of Stable Diffusion 2 and XL, sample the clean latents.',
    }),
    noiseSchedule: choice({
      initial: 'auto',
      options: ['auto', 'zero-snr', 'edm'],
      help: 'The noise it was trained on: auto takes what the files say; zero-snr for v models trained to zero terminal SNR whose file does not say so (dark and bright images come out grey); edm for Playground v2.5 (epsilon) and CosXL (v) and what was made from them.',
    }),
    base: model({
      takes: 'generator',
      initial: '',
      optional: true,
      help: 'For a U-Net alone (a single file or a folder of one): a whole model of its family, which gives text encoders, VAE and scheduler. Empty where the model is whole.',
    }),
  },
  outputs: { generator: 'generator' },
  files: ({ model, base }) => (base === '' ? [model] : [model, base]),
  upgrades: {
    1: (params) => ({ ...params, prediction: 'auto' }),
    2: (params) => ({ ...params, promptStyle: 'plain' }),
  },
  run: async (_inputs, { model, base, prediction, noiseSchedule, clipSkip, promptStyle }, context) => ({
    generator: await load(
      context.files,
      model,
      { ...loadOptions(context), reading: readings[promptStyle] },
      {
        ...(base !== '' && { base }),
        ...(prediction !== 'auto' && { prediction }),
        ...(noiseSchedule !== 'auto' && { noiseSchedule }),
        ...(clipSkip > 0 && { clipSkip }),
      },
    ),
  }),
});
