import { defineNode } from '../defineNode.ts';
import { createConsistency } from '../ml/condition/createConsistency.ts';
import { lineArtDetector } from '../ml/condition/detectors.ts';
import { loadLineDrawing } from '../ml/models/load/loadDetector.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { givenParam, givenUpgrades } from './shared/givenParam.ts';

export const lineArt = defineNode({
  type: 'consistency/line-art',
  version: 2,
  title: 'Line art',
  summary:
    'Whether images have the lines of a condition image (white on black), as Informative Drawings draws them. Loss: mean squared difference; metric: multi-scale SSIM.',
  source: 'arXiv 2203.12691, 2404.07987 (ControlNet++)',
  inputs: {},
  params: {
    model: model({
      takes: 'line-art',
      initial: 'lllyasviel/Annotators/sk_model.pth',
      help: 'The file sk_model.pth or model.pth of Informative Drawings (17 MB, MIT), or its place in a pulled model.',
    }),
    given: givenParam,
  },
  outputs: { consistency: 'consistency' },
  upgrades: givenUpgrades,
  files: (params) => [params.model],
  async run(_inputs, params, context) {
    const network = await loadLineDrawing(context.files, params.model, loadOptions(context));
    return { consistency: createConsistency(lineArtDetector(network), params.given) };
  },
});
