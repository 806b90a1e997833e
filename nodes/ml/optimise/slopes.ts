import { UserError } from '../../errors.ts';
import type { Condition, ControlNet } from '../../ports.ts';
import { cleanLatents, drawImages } from '../diffusion/drawImages.ts';
import {
  clipByValue,
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
import type { BatchSlope } from './climbBatches.ts';
import { drawnSlope, type NoiseClimb, noiseSlope } from './climbNoise.ts';

/** What may climb, by name: each makes a slope of the images of a request. */
export const slopes = {
  noise: (climb: NoiseClimb): BatchSlope => noiseSlope(climb, 'exact'),
  latents: latentSlope,
  image: imageSlope,
  prompt: promptSlope,
  'control scale': controlScaleSlope,
} satisfies Readonly<Record<string, (climb: NoiseClimb) => BatchSlope>>;

/** The clean latents [N, h, w, c] that the noise leads to: only the decoder is differentiated through. */
function latentSlope(climb: NoiseClimb): BatchSlope {
  const start = tidy(() => cleanLatents(climb.generator, climb.request));
  return slopeFrom(climb, start, (x) => climb.generator.decode(x as Tensor4D));
}

/** The pixels [N, H, W, 3] of the images that the noise leads to, kept in [0, 1]. */
function imageSlope(climb: NoiseClimb): BatchSlope {
  const start = tidy(() => drawImages(climb.generator, climb.request, 'exact'));
  const project = (x: Tensor) => clipByValue(x, 0, 1);
  return { ...slopeFrom(climb, start, (x) => x as Tensor4D), project };
}

/** What is added to the features of the prompt [N, T, D], from 0. Throws UserError `UNSUPPORTED`. */
function promptSlope(climb: NoiseClimb): BatchSlope {
  const { generator, request } = climb;
  const shape = generator.promptShape?.();
  if (!shape) throw new UserError('UNSUPPORTED', `The prompt of "${generator.name}" cannot be moved.`);
  const start = zeros([request.noise.seeds.length, ...shape]);
  return slopeFrom(climb, start, (x) => drawImages(generator, { ...request, promptOffset: x as Tensor3D }, 'exact'));
}

/** A factor [N, 1, 1, 1] of what the ControlNets add, from 1. Throws UserError `NO_CONDITION`. */
function controlScaleSlope(climb: NoiseClimb): BatchSlope {
  const { generator, request } = climb;
  if (request.conditions.length === 0)
    throw new UserError('NO_CONDITION', 'There is no ControlNet whose scale could climb: connect a condition.');
  const start = ones([request.noise.seeds.length, 1, 1, 1]);
  return slopeFrom(climb, start, (x) => {
    const conditions = request.conditions.map((condition) => scaledBy(x as Tensor4D, condition));
    return drawImages(generator, { ...request, conditions }, 'exact');
  });
}

/** A condition whose residuals are multiplied by factors [N, 1, 1, 1]; guidance asks for the N rows twice. */
function scaledBy(factors: Tensor4D, condition: Condition): Condition {
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

/** A slope that owns its start. */
function slopeFrom(climb: NoiseClimb, start: Tensor, draw: (x: Tensor) => Tensor4D): BatchSlope {
  return { ...drawnSlope(climb, start, draw), dispose: () => start.dispose() };
}

/** What holds a variable near its start: |x - start|^2 / 2 of each row, and the gradient of that. */
export function nearStart(start: Tensor): NonNullable<BatchSlope['penalty']> {
  return (x) =>
    tidy(() => {
      const gradient: Tensor = sub(x, start);
      const penalty: Tensor1D = mul(sum(square(reshape(gradient, [x.shape[0] ?? 1, -1])), 1), 0.5);
      return { penalty, gradient };
    });
}
