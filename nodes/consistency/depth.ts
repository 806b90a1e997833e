import { defineNode } from '../defineNode.ts';
import { createConsistency } from '../ml/condition/createConsistency.ts';
import { depthDetector } from '../ml/condition/detectors.ts';
import { loadImageUNet } from '../ml/models/load/loadDetector.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { givenParam, givenUpgrades } from './shared/givenParam.ts';

export const depth = defineNode({
  type: 'consistency/depth',
  version: 2,
  title: 'Depth',
  summary:
    'Whether images have the depth of a condition image (white is near). Loss: mean squared difference of maps divided by their largest value; metric: RMSE on a scale of 255, lower is better.',
  source: 'arXiv 2404.07987 (ControlNet++)',
  inputs: {},
  params: {
    model: model({
      takes: 'depth',
      initial: 'builtin:world-depth',
      help: 'A folder with config.json (ImageUNet, task depth) and weights.',
    }),
    given: givenParam,
  },
  outputs: { consistency: 'consistency' },
  upgrades: givenUpgrades,
  files: (params) => [params.model],
  async run(_inputs, params, context) {
    const network = await loadImageUNet(context.files, params.model, loadOptions(context));
    return { consistency: createConsistency(depthDetector(network), params.given) };
  },
});
