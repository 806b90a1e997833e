import { UserError } from '../../errors.ts';
import type { Condition, ControlNet } from '../../ports.ts';
import { cleanLatents, drawDifferentiable, type NoiseGradient } from '../diffusion/drawDifferentiable.ts';
import {
  clipByValue,
  dispose,
  mul,
  ones,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  tile,
  zeros,
} from '../tf.ts';
import type { MaximiseSettings } from './maximise.ts';
import { likelihoodPenalty } from './noiseLikelihood.ts';
import { noiseNorm, toNoiseRadius } from './noiseNorm.ts';
import { drawnObjective, noiseObjective, type Objective, type ObjectiveParts } from './objective.ts';
import { toWhiteSpectrum } from './whiteSpectrum.ts';

/** An objective with what belongs to its kind of variable. `dispose` frees what was made for it. */
export interface VariableObjective extends Objective, Pick<MaximiseSettings, 'penalty' | 'project'> {
  dispose?(): void;
}

export interface VariableSettings {
  readonly variable: Variable;
  /** The weight of the penalty, `noiseNorm` for noise and `startPenalty` for all else; ReNO's lambda_reg is 0.01. */
  readonly regularisation: number;
  /**
   * What keeps noise like noise: a penalty on its length (ReNO's) or on its likelihood (DNO's), or a projection onto flat
   * spectra after each step, which needs no weight.
   */
  readonly regulariser?: Regulariser;
  /** Brings noise back to the length sqrt(d) after each step. */
  readonly projectRadius: boolean;
  /** How the gradient of images reaches noise; for all other variables it is exact. */
  readonly gradient: NoiseGradient;
}

/**
 * The objective of a variable from which the images of a request are drawn. For noise it is reward-based noise optimisation:
 * sum_i w_i r_i(G(e, prompt), prompt) + lambda_reg K(e) of each noise e, through a frozen generator G. A stochastic sampler
 * draws its noise from the same seed at every evaluation. Throws UserError `UNSUPPORTED` or `NO_CONDITION`.
 * Source: arXiv 2406.04312, section 3, and its code's training/trainer.py for noise.
 */
export function createObjective(parts: ObjectiveParts, settings: VariableSettings): VariableObjective {
  const { variable, regularisation, regulariser = 'length', projectRadius, gradient } = settings;
  const objective = objectives[variable](parts, gradient);
  const isNoise = variable === 'noise';
  const penalty = isNoise ? penalties[regulariser]() : startPenalty(objective.start);
  const project = regulariser === 'spectral' ? toWhiteSpectrum : projectRadius ? toNoiseRadius : undefined;
  return {
    ...objective,
    ...(regularisation > 0 && penalty && { penalty: weightPenalty(regularisation, penalty) }),
    ...(isNoise && project && { project }),
  };
}

/** What `regulariser` adds to what is minimised of noise. */
const penalties = {
  length: () => noiseNorm,
  likelihood: likelihoodPenalty,
  spectral: () => undefined,
} satisfies Readonly<Record<string, () => Penalty | undefined>>;
type Regulariser = keyof typeof penalties;
export const regularisers = Object.keys(penalties) as Regulariser[];

const objectives = {
  noise: noiseObjective,
  latents: latentObjective,
  image: imageObjective,
  prompt: promptObjective,
  'control scale': controlScaleObjective,
} satisfies Readonly<Record<string, (parts: ObjectiveParts, gradient: NoiseGradient) => VariableObjective>>;

/** What may be optimised, by name. */
type Variable = keyof typeof objectives;
export const variables = Object.keys(objectives) as Variable[];

/** The clean latents [N, h, w, c] that the noise leads to: only the decoder is differentiated through. */
function latentObjective(parts: ObjectiveParts): VariableObjective {
  const start = tidy(() => cleanLatents(parts.generator, parts.request));
  return objectiveFrom(parts, start, (x) => parts.generator.decode(x as Tensor4D));
}

/** The pixels [N, H, W, 3] of the images that the noise leads to, kept in [0, 1]. */
function imageObjective(parts: ObjectiveParts): VariableObjective {
  const start = tidy(() => drawDifferentiable(parts.generator, parts.request, 'exact'));
  const project = (x: Tensor) => clipByValue(x, 0, 1);
  return { ...objectiveFrom(parts, start, (x) => x as Tensor4D), project };
}

/** What is added to the features of the prompt [N, T, D], from 0. Throws UserError `UNSUPPORTED`. */
function promptObjective(parts: ObjectiveParts): VariableObjective {
  const { generator, request } = parts;
  const shape = generator.promptShape?.();
  if (!shape) throw new UserError('UNSUPPORTED', `The prompt of "${generator.name}" cannot be moved.`);
  const start = zeros([request.noise.seeds.length, ...shape]);
  return objectiveFrom(parts, start, (x) =>
    drawDifferentiable(generator, { ...request, promptOffset: x as Tensor3D }, 'exact'),
  );
}

/** A factor [N, 1, 1, 1] of what the ControlNets add, from 1. Throws UserError `NO_CONDITION`. */
function controlScaleObjective(parts: ObjectiveParts): VariableObjective {
  const { generator, request } = parts;
  if (request.conditions.length === 0)
    throw new UserError('NO_CONDITION', 'There is no ControlNet whose scale could be optimised: connect a condition.');
  const start = ones([request.noise.seeds.length, 1, 1, 1]);
  return objectiveFrom(parts, start, (x) => {
    const conditions = request.conditions.map((condition) => scaleCondition(x as Tensor4D, condition));
    return drawDifferentiable(generator, { ...request, conditions }, 'exact');
  });
}

/** A condition whose residuals are multiplied by factors [N, 1, 1, 1]; guidance asks for the N rows twice. */
function scaleCondition(factors: Tensor4D, condition: Condition): Condition {
  const controlnet: ControlNet = {
    ...condition.controlnet,
    residuals(input) {
      const { down, mid } = condition.controlnet.residuals(input);
      const rows = tile(factors, [input.sample.shape[0] / factors.shape[0], 1, 1, 1]);
      return { down: down.map((each) => mul<Tensor4D>(each, rows)), mid: mul(mid, rows) };
    },
  };
  return { ...condition, controlnet };
}

/** An objective that owns its start. */
function objectiveFrom(parts: ObjectiveParts, start: Tensor, draw: (x: Tensor) => Tensor4D): VariableObjective {
  return { ...drawnObjective(parts, start, draw), dispose: () => start.dispose() };
}

type Penalty = NonNullable<VariableObjective['penalty']>;

/** Holds a variable near its start: |x - start|^2 / 2 of each row, and the gradient of that. */
export function startPenalty(start: Tensor) {
  return (x: Tensor): { penalty: Tensor1D; gradient: Tensor } =>
    tidy(() => {
      const gradient: Tensor = sub(x, start);
      const penalty: Tensor1D = mul(sum(square(reshape(gradient, [x.shape[0] ?? 1, -1])), 1), 0.5);
      return { penalty, gradient };
    });
}

/** A penalty times a weight. */
export function weightPenalty(weight: number, evaluate: Penalty): Penalty {
  return async (x) => {
    const { penalty, gradient } = await evaluate(x);
    try {
      return { penalty: mul<Tensor1D>(penalty, weight), gradient: mul<Tensor>(gradient, weight) };
    } finally {
      dispose([penalty, gradient]);
    }
  };
}
