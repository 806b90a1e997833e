import { defineNode } from '../defineNode.ts';
import { createConsistency } from '../ml/condition/createConsistency.ts';
import { segmentationDetector } from '../ml/condition/detectors.ts';
import { loadImageUNet } from '../ml/models/load/loadDetector.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { givenParam, givenUpgrades } from './shared/givenParam.ts';

export const segmentation = defineNode({
  type: 'consistency/segmentation',
  version: 2,
  title: 'Segmentation',
  summary:
    'Whether images show the classes of a condition image in its places, in the colours of PASCAL VOC. Loss: cross-entropy of labelled pixels; metric: mean IoU.',
  source: 'arXiv 2404.07987 (ControlNet++)',
  inputs: {},
  params: {
    model: model({
      takes: 'segmentation',
      initial: 'builtin:world-segmentation',
      help: 'A folder with config.json (ImageUNet, task segmentation) and weights.',
    }),
    given: givenParam,
  },
  outputs: { consistency: 'consistency' },
  upgrades: givenUpgrades,
  files: (params) => [params.model],
  async run(_inputs, params, context) {
    const network = await loadImageUNet(context.files, params.model, loadOptions(context));
    return { consistency: createConsistency(segmentationDetector(network), params.given) };
  },
});
