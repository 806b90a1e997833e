import { UserError } from '../../errors.ts';
import type {
  AddedConditions,
  Condition,
  ConsistencyGuidance,
  Generator,
  SampleRequest,
  SampleStep,
} from '../../ports.ts';
import { createScheduler } from '../diffusion/createScheduler.ts';
import { guideLatents } from '../diffusion/guideLatents.ts';
import { alphasCumprod } from '../diffusion/noiseSchedule.ts';
import type { SchedulerConfig } from '../diffusion/scheduler.ts';
import { schedulerConfig } from '../diffusion/schedulers.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../diffusion/settings.ts';
import { drawLatents, noiseSource } from '../random.ts';
import {
  add,
  clipByValue,
  clone,
  concat,
  dispose,
  div,
  fill,
  keep,
  mul,
  type Scalar,
  scalar,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tensor4d,
  tidy,
  tile,
  zerosLike,
} from '../tf.ts';
import { type PromptFeatures, rememberFeatures } from './promptFeatures.ts';
import { promptMix } from './promptMix.ts';
import type { UNetConditions, unet2DCondition } from './unet2DCondition.ts';

/** The parts of a latent diffusion model of the Stable Diffusion family, ready to use. */
export interface StableDiffusionParts {
  readonly name: string;
  /** Bytes of weights held. */
  readonly bytes: number;
  readonly defaults: Generator['defaults'];
  readonly words?: Generator['words'];
  readonly schedulerConfig: SchedulerConfig;
  readonly unreadPart?: Generator['unreadPart'];
  /** The caller owns the result. */
  encodePrompt(prompt: string): PromptFeatures;
  readonly unet: ReturnType<typeof unet2DCondition>;
  readonly latents: { readonly channels: number; readonly factor: number; readonly scalingFactor: number };
  /** Latents -> images, about [-1, 1]. The caller owns the result. */
  decode(latents: Tensor4D): Tensor4D;
  /** An empty negative prompt is all zeros rather than the encoding of an empty text (SDXL). */
  readonly zeroEmptyNegative: boolean;
  dispose(): void;
}

/** Prompts whose features are remembered between calls. */
const rememberedPrompts = 64;

/**
 * A generator of Stable Diffusion 1, 2, XL and their distilled kin. It owns `parts`.
 * Source: arXiv 2112.10752; guidance arXiv 2207.12598, equation 6; ControlNet arXiv 2302.05543
 */
export function stableDiffusion(parts: StableDiffusionParts): Generator {
  const remembered = rememberFeatures(parts.encodePrompt, rememberedPrompts);
  const { channels, factor } = parts.latents;
  return {
    name: parts.name,
    bytes: parts.bytes,
    differentiable: true,
    latentScale: parts.latents.scalingFactor,
    defaults: parts.defaults,
    ...(parts.words && { words: parts.words }),
    ...(parts.unreadPart && { unreadPart: parts.unreadPart }),
    latentShape(width, height) {
      for (const side of [width, height])
        if (!Number.isInteger(side) || side < factor || side % factor)
          throw new UserError(
            'BAD_SIZE',
            `An image of ${width} x ${height} pixels cannot be made: both sides must be multiples of ${factor}.`,
          );
      return [height / factor, width / factor, channels];
    },
    promptShape() {
      const [, tokens, width] = tidy(() => remembered.of('').context.shape);
      return [tokens, width];
    },
    *denoise(request) {
      checkRequest(request, parts);
      const text = textConditions(request, parts, remembered.of);
      try {
        remembered.trim();
        return yield* denoise(request, parts, text);
      } finally {
        dispose(Object.values(text).filter((tensor) => tensor !== undefined));
      }
    },
    decode: (latents) => tidy(() => toImages(parts.decode(latents))),
    dispose() {
      remembered.dispose();
      parts.dispose();
    },
  };
}

/**
 * x_i+1 = step(x_i, m(x_i)) for every timestep, where m mixes the model's answers to several prompts, see `promptMix`; x_i
 * is first moved where there is guidance, see `guideLatents`.
 */
function* denoise(
  request: SampleRequest,
  parts: StableDiffusionParts,
  text: TextConditions,
): globalThis.Generator<SampleStep, Tensor4D, void> {
  const { noise, settings, conditions, guidance } = request;
  const scheduler = createScheduler(schedulerConfig(parts.schedulerConfig, settings.scheduler));
  const plan = scheduler.plan(settings.steps, { eta: settings.eta });
  const steps = plan.timesteps.length;
  const freshNoise = stepNoise(request);
  const mix = promptMix(request);
  const signalAt = guidance && signalTable(parts.schedulerConfig);
  let x: Tensor4D = keep(mul(noise.latents, plan.initNoiseSigma)); // [N, h, w, c]
  let rest: Tensor4D[] = []; // the estimate, then the scheduler's state
  try {
    for (const [i, timestep] of plan.timesteps.entries()) {
      const active = conditions.filter(({ start, end }) => i / steps >= start && (i + 1) / steps <= end);
      const answer = (latents: Tensor4D): Tensor4D => {
        const input = scheduler.scaleInput(plan, i, latents);
        const sample: Tensor4D = mix.blocks > 1 ? concat(new Array(mix.blocks).fill(input), 0) : input; // [blocks N, h, w, c]
        const steering = { ...added(text), ...steered(active, sample, timestep, text) };
        return mix.join(parts.unet(sample, timestep, text.context, steering));
      };
      const next = tidy(() => {
        const state = rest.slice(1);
        const stepFrom = (from: Tensor4D, fresh: Tensor4D | undefined) =>
          scheduler.step(plan, i, { x: from, modelOutput: answer(from), state, ...(fresh && { noise: fresh }) });
        let from = x;
        if (guidance && signalAt && timestep <= guidance.maxTimestep) {
          const estimate = (moved: Tensor4D) => stepFrom(moved, moved).estimate; // which no noise enters
          const signal = div<Scalar>(signalAt(timestep), scheduler.scaleInput(plan, i, scalar(1)));
          from = guideLatents(x, estimate, lossOf(guidance, parts), guidance.scale, signal);
        }
        const step = stepFrom(from, scheduler.needsNoise(plan, i) ? freshNoise() : undefined);
        return [step.x, step.estimate, ...step.state].map(keep);
      });
      dispose([x, ...rest]);
      [x, ...rest] = next as [Tensor4D, ...Tensor4D[]];
      yield { step: i + 1, steps, latents: x, estimate: rest[0] as Tensor4D };
    }
    return clone(x);
  } finally {
    dispose([x, ...rest]);
  }
}

/** sqrt(abar) of a training timestep, the nearest one for a timestep between two. */
function signalTable(config: SchedulerConfig): (timestep: number) => number {
  const alphaBars = alphasCumprod(readSettings(config, trainedDefaults, trainedAllowed));
  return (timestep) =>
    Math.sqrt(alphaBars[Math.min(Math.max(Math.round(timestep), 0), alphaBars.length - 1)] as number);
}

/** Further noise of stochastic samplers: what each image's seed gives after its initial latents. */
function stepNoise({ noise }: SampleRequest): () => Tensor4D {
  const shape = noise.latents.shape.slice(1) as [number, number, number];
  const size = shape[0] * shape[1] * shape[2];
  const sources = noise.seeds.map(noiseSource);
  let started = false;
  return () => {
    if (!started) for (const draw of sources) draw(size);
    started = true;
    return drawLatents(sources, shape);
  };
}

/** The loss of clean latents [N, h, w, c]: [N]. */
function lossOf({ consistency, image }: ConsistencyGuidance, { decode }: StableDiffusionParts) {
  return (latents: Tensor4D): Tensor1D => consistency.loss(toImages(decode(latents)), image);
}

const toImages = (decoded: Tensor4D): Tensor4D => clipByValue(add(mul(decoded, 0.5), 0.5), 0, 1);

/** Text as the U-Net takes it: one row an image for each prompt of the mix. */
interface TextConditions {
  readonly context: Tensor3D;
  readonly textEmbeds: Tensor2D | undefined;
  readonly timeIds: Tensor2D | undefined;
  /** [rows, 1, 1, 1]: 0 where the prompt is the negative one, else 1; undefined where no row has it. */
  readonly prompted: Tensor4D | undefined;
}

function textConditions(
  request: SampleRequest,
  { zeroEmptyNegative, latents }: StableDiffusionParts,
  featuresOf: (prompt: string) => PromptFeatures,
): TextConditions {
  const { noise, negativePrompt, promptOffset } = request;
  const { rows } = promptMix(request);
  const [n, h, w] = noise.latents.shape;
  const zeroed = (features: PromptFeatures): PromptFeatures => ({
    context: zerosLike(features.context),
    pooled: features.pooled && zerosLike(features.pooled),
  });
  /** For each prompt of the mix in turn: only the negative one stays where it is. */
  const offsets = (offset: Tensor3D): Tensor3D[] =>
    rows.filter((_, i) => i % n === 0).map(({ negative }) => (negative ? zerosLike(offset) : offset));
  const conditions = tidy(() => {
    const features = rows.map(({ prompt, negative }) =>
      negative && zeroEmptyNegative && negativePrompt === '' ? zeroed(featuresOf(prompt)) : featuresOf(prompt),
    );
    const pooled = features.flatMap((each) => each.pooled ?? []);
    const size = [h * latents.factor, w * latents.factor];
    const timeIds = features.map(() => [...size, 0, 0, ...size]); // original size, crop, target size
    const context: Tensor3D = concat(
      features.map((each) => each.context),
      0,
    );
    return {
      context: promptOffset ? add<Tensor3D>(context, concat(offsets(promptOffset), 0)) : context,
      textEmbeds: pooled.length > 0 ? concat(pooled, 0) : undefined,
      timeIds: pooled.length > 0 ? tensor2d(timeIds, [features.length, 6]) : undefined,
      prompted: rows.some(({ negative }) => negative)
        ? tensor4d(
            rows.map(({ negative }) => (negative ? 0 : 1)),
            [rows.length, 1, 1, 1],
          )
        : undefined,
    };
  });
  return {
    context: keep(conditions.context),
    textEmbeds: conditions.textEmbeds && keep(conditions.textEmbeds),
    timeIds: conditions.timeIds && keep(conditions.timeIds),
    prompted: conditions.prompted && keep(conditions.prompted),
  };
}

function added({ textEmbeds, timeIds }: TextConditions): { added?: AddedConditions } {
  return textEmbeds && timeIds ? { added: { textEmbeds, timeIds } } : {};
}

/** The sum of what all ControlNets add, each times its scale, and by some only beside the prompts that are not negative. */
function steered(
  conditions: readonly Condition[],
  sample: Tensor4D,
  timestep: number,
  text: TextConditions,
): Pick<UNetConditions, 'downResiduals' | 'midResidual'> {
  if (conditions.length === 0) return {};
  const timesteps: Tensor1D = fill([sample.shape[0]], timestep);
  const residuals = conditions.map(({ controlnet, image, scale }) => {
    const images = image.shape[0] === 1 ? image : tile(image, [sample.shape[0] / image.shape[0], 1, 1, 1]);
    const { down, mid } = controlnet.residuals({
      sample,
      timesteps,
      context: text.context,
      image: images,
      ...added(text),
    });
    const share = controlnet.promptedOnly && text.prompted ? mul<Tensor4D>(text.prompted, scale) : scale;
    return [...down, mid].map((residual) => (share === 1 ? residual : mul<Tensor4D>(residual, share)));
  });
  const sums = residuals.reduce((total, each) =>
    total.map((residual, i) => add<Tensor4D>(residual, each[i] as Tensor4D)),
  );
  return { downResiduals: sums.slice(0, -1), midResidual: sums.at(-1) as Tensor4D };
}

/** Throws UserError `BAD_REQUEST` or `BAD_SIZE` where a request does not fit together or to the model. */
function checkRequest({ noise, prompts, conditions }: SampleRequest, { latents, name }: StableDiffusionParts): void {
  const [n, , , c] = noise.latents.shape;
  if (c !== latents.channels)
    throw new UserError(
      'BAD_SIZE',
      `The noise has ${c} channels; "${name}" needs ${latents.channels}. Make it for this model.`,
    );
  if (noise.seeds.length !== n)
    throw new UserError('BAD_REQUEST', `The noise has ${n} images and ${noise.seeds.length} seeds.`);
  if (prompts.length !== 1 && prompts.length !== n)
    throw new UserError(
      'BAD_REQUEST',
      `There are ${prompts.length} prompts for ${n} images; give one, or one an image.`,
    );
  for (const { image } of conditions)
    if (image.shape[0] !== 1 && image.shape[0] !== n)
      throw new UserError(
        'BAD_REQUEST',
        `There are ${image.shape[0]} condition images for ${n} images; give one, or one an image.`,
      );
}
