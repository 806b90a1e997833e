import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { createConsistency } from '../ml/condition/createConsistency.ts';
import { cannyDetector } from '../ml/condition/detectors.ts';
import { number } from '../params.ts';
import { givenParam, givenUpgrades } from './shared/givenParam.ts';

export const canny = defineNode({
  type: 'consistency/canny',
  version: 2,
  title: 'Canny edges',
  summary:
    'Whether images have the edges of a condition image, by a differentiable Canny that needs no weights. Loss: mean squared difference of gradient lengths on edges; metric: F1 of edge pixels.',
  source: 'arXiv 2404.07987 (ControlNet++)',
  inputs: {},
  params: {
    low: number({ initial: 0.1, min: 0, max: 6, step: 0.1, help: 'Weak edges above this count beside strong ones.' }),
    high: number({
      initial: 0.2,
      min: 0,
      max: 6,
      step: 0.1,
      help: 'Edges above this count; black to white is about 3.',
    }),
    given: givenParam,
  },
  outputs: { consistency: 'consistency' },
  upgrades: givenUpgrades,
  run(_inputs, params) {
    if (params.low > params.high)
      throw new UserError(
        'BAD_PARAM',
        `low (${params.low}) is above high (${params.high}); set it to ${params.high} or less.`,
        {
          at: { param: 'low' },
        },
      );
    return { consistency: createConsistency(cannyDetector(params), params.given) };
  },
});
