import { defineNode } from '../defineNode.ts';
import { loadControlNet as load } from '../ml/models/load/loadControlNet.ts';
import { model } from '../params.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const loadControlNet = defineNode({
  type: 'model/load-controlnet',
  version: 1,
  title: 'Load ControlNet',
  summary: 'A ControlNet, which lets an image steer a generator of the same kind.',
  source: 'arXiv 2302.05543',
  inputs: {},
  params: {
    model: model({
      takes: 'controlnet',
      initial: 'lllyasviel/control_v11p_sd15_canny',
      help: 'A diffusers folder, a single .safetensors or .pth file, or the name of a pulled model.',
    }),
  },
  outputs: { controlnet: 'controlnet' },
  files: (params) => [params.model],
  run: async (_inputs, params, context) => ({
    controlnet: await load(context.files, params.model, loadOptions(context)),
  }),
});
