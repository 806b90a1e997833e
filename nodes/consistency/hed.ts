import { defineNode } from '../defineNode.ts';
import { createConsistency } from '../ml/condition/createConsistency.ts';
import { softEdgeDetector } from '../ml/condition/detectors.ts';
import { loadHed } from '../ml/models/load/loadDetector.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { givenParam, givenUpgrades } from './shared/givenParam.ts';

export const hed = defineNode({
  type: 'consistency/hed',
  version: 2,
  title: 'Soft edges (HED)',
  summary:
    'Whether images have the soft edges of a condition image, by holistically nested edge detection. Loss: mean squared difference; metric: multi-scale SSIM.',
  source: 'arXiv 1504.06375, 2404.07987 (ControlNet++)',
  inputs: {},
  params: {
    model: model({
      takes: 'hed',
      initial: 'lllyasviel/Annotators/ControlNetHED.pth',
      help: 'The file ControlNetHED.pth (59 MB, Apache-2.0), or its place in a pulled model.',
    }),
    given: givenParam,
  },
  outputs: { consistency: 'consistency' },
  upgrades: givenUpgrades,
  files: (params) => [params.model],
  async run(_inputs, params, context) {
    const network = await loadHed(context.files, params.model, loadOptions(context));
    return { consistency: createConsistency(softEdgeDetector(network), params.given) };
  },
});
