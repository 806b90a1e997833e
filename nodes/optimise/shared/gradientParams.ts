import type { ParamValues } from '../../defineNode.ts';
import { adam } from '../../ml/optimise/adam.ts';
import type { WatchSettings } from '../../ml/optimise/rowState.ts';
import { sgd } from '../../ml/optimise/sgd.ts';
import { lbfgsStepper, optimiserStepper, type Stepper } from '../../ml/optimise/stepper.ts';
import { choice, integer, number } from '../../params.ts';

/** The params of every node that optimises by gradients. */
export const gradientParams = {
  evaluations: integer({
    initial: 50,
    min: 1,
    max: 10_000,
    help: 'How often each image is drawn and judged; there is one step fewer.',
  }),
  optimiser: choice({
    initial: 'sgd',
    options: ['sgd', 'adam', 'l-bfgs'],
    help: "ReNO's is SGD with Nesterov momentum 0.9; Adam has an epsilon of 0.01; L-BFGS remembers 3 steps, and its line searches count as evaluations.",
  }),
  learningRate: number({
    initial: 5,
    min: 0,
    max: 1000,
    step: 0.5,
    help: 'Of SGD: 5 is ReNO, 10 suits Hyper-SD, 2.5 is smoother. Of Adam: about 0.1. Of L-BFGS: the length of its first step.',
  }),
  clip: number({
    initial: 0.1,
    min: 0,
    max: 1000,
    step: 0.05,
    help: 'The gradient of each image is shortened to this norm before the step; 0 leaves it. L-BFGS takes it as it is.',
  }),
  whenHacking: choice({
    initial: 'say so',
    options: ['say so', 'stop'],
    help: 'What to do where the optimised rewards rise while the watched ones fall; stopping keeps the best image before that.',
  }),
  patience: integer({
    initial: 10,
    min: 1,
    max: 1000,
    unit: 'evaluations',
    help: 'How long the watched rewards may stay below their highest before that counts as falling.',
  }),
};

type Values = ParamValues<typeof gradientParams>;

/** A fresh optimiser, as the params say. */
export function createStepper({ optimiser, learningRate, clip }: Values): Stepper {
  if (optimiser === 'l-bfgs') return lbfgsStepper({ history: 3, firstStep: learningRate });
  if (optimiser === 'adam')
    return optimiserStepper(adam({ learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-2 }), clip);
  return optimiserStepper(sgd({ learningRate, momentum: 0.9, nesterov: true }), clip);
}

export function readWatchSettings({ whenHacking, patience }: Pick<Values, 'whenHacking' | 'patience'>): WatchSettings {
  return { patience, stop: whenHacking === 'stop' };
}
