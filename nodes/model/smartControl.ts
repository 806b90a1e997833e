import { defineNode, one } from '../defineNode.ts';
import { loadSmartControl } from '../ml/models/load/loadSmartControl.ts';
import { weakenedScale } from '../ml/models/smartControl.ts';
import { file, number } from '../params.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const smartControl = defineNode({
  type: 'model/smart-control',
  version: 1,
  title: 'Smart control',
  summary:
    'A ControlNet that counts less where the prompt contradicts the control image, as small networks at each of its junctions predict.',
  source: 'SmartControl, arXiv 2404.06451',
  inputs: { controlnet: one('controlnet') },
  params: {
    path: file({
      initial: '',
      accept: ['ckpt', 'pt', 'pth', 'bin', 'safetensors'],
      help: "SmartControl's file for the kind of the ControlNet (depth, scribble, canny, seg), with tensors c_pre_list.*.",
    }),
    strength: number({
      initial: 1,
      min: 0,
      max: 1,
      step: 0.1,
      help: 'As predicted at 1; at 0 the ControlNet is as it was.',
    }),
  },
  outputs: { controlnet: 'controlnet' },
  files: ({ path }) => [path],
  async run({ controlnet }, { path, strength }, context) {
    const { name, bytes, scaleAt, dispose } = await loadSmartControl(context.files, path, loadOptions(context));
    return {
      controlnet: {
        name: `${controlnet.name} with ${name}`,
        bytes,
        uses: [controlnet],
        ...(controlnet.promptedOnly !== undefined && { promptedOnly: controlnet.promptedOnly }),
        residuals: (input) => controlnet.residuals(input),
        ...(strength > 0 && { scaleAt: weakenedScale(scaleAt, strength) }),
        dispose,
      },
    };
  },
});
