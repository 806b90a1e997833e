import { UserError } from '../../errors.ts';
import type { Adaptable, Condition, Generator, SampleRequest } from '../../ports.ts';
import { createScheduler } from '../diffusion/createScheduler.ts';
import { type DenoiseHooks, type DenoisingModel, denoise, gatherRows } from '../diffusion/denoise.ts';
import { guideByConsistency } from '../diffusion/guideLatents.ts';
import { isVariancePreserving, noisePredictor } from '../diffusion/noisePredictor.ts';
import type { SchedulerConfig } from '../diffusion/scheduler.ts';
import { schedulerConfig } from '../diffusion/schedulers.ts';
import { resizeBilinear } from '../image/resize.ts';
import { add, clipByValue, concat, fill, mul, split, type Tensor1D, type Tensor4D, tidy, tile } from '../tf.ts';
import type { LatentAutoencoder } from './latentAutoencoder.ts';
import type { Adapter } from './lora.ts';
import { cacheFeatures, type PromptFeatures } from './promptFeatures.ts';
import { type PromptSyntax, promptMix } from './promptMix.ts';
import type { Embedding, PromptReading } from './promptReader.ts';
import { chooseText, encodeTimeline, readAdded, type TextConditions, type TextTimeline } from './textConditions.ts';
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
  readonly reading: PromptReading;
  readonly unknownEmbeddings?: Generator['unknownEmbeddings'];
  readonly syntax?: PromptSyntax;
  /** The caller owns the result. */
  encodePrompt(prompt: string): PromptFeatures;
  readonly unet: ReturnType<typeof unet2DCondition>;
  readonly latents: Pick<LatentAutoencoder, 'channels' | 'factor' | 'scalingFactor' | 'statistics'>;
  /** Latents -> images, about [-1, 1]. The caller owns the result. */
  decode(latents: Tensor4D): Tensor4D;
  /** An empty negative prompt is all zeros rather than the encoding of an empty text (SDXL). */
  readonly zeroEmptyNegative: boolean;
  /** `adapt` gives parts that own the adapter and borrow the weights of these; `embed` gives parts that own nothing. */
  readonly adaptable?: Pick<Adaptable, 'shapes' | 'widths'> & {
    adapt(adapter: Adapter): StableDiffusionParts;
    embed(embeddings: readonly Embedding[]): StableDiffusionParts;
  };
  dispose(): void;
}

/** Prompts whose features are kept between calls. */
const CACHED_PROMPTS = 64;

/**
 * A generator of Stable Diffusion 1, 2, XL and their distilled kin. It owns `parts`, which may borrow from the
 * generators that it `uses`.
 * Source: arXiv 2112.10752; guidance arXiv 2207.12598, equation 6; ControlNet arXiv 2302.05543
 */
export function stableDiffusion(parts: StableDiffusionParts, uses: readonly Generator[] = []): Generator {
  const features = cacheFeatures(parts.encodePrompt, CACHED_PROMPTS);
  const { channels, factor } = parts.latents;
  const decode = (latents: Tensor4D) => tidy(() => toImages(parts.decode(latents)));
  const { adaptable } = parts;
  const readPrompts = (request: SampleRequest, steps: number) => {
    const mix = promptMix(request, steps, parts.syntax);
    const text = encodeTimeline(request, mix.blocks, steps, {
      zeroEmptyNegative: parts.zeroEmptyNegative,
      factor,
      featuresOf: features.of,
    });
    features.trim();
    return { mix, text };
  };
  const generator: Generator = {
    name: parts.name,
    bytes: parts.bytes,
    uses,
    differentiable: true,
    latentFormat: {
      scale: parts.latents.scalingFactor,
      ...(parts.latents.statistics && { statistics: parts.latents.statistics }),
    },
    defaults: parts.defaults,
    ...(parts.words && { words: parts.words }),
    ...(parts.unreadPart && { unreadPart: parts.unreadPart }),
    ...(parts.unknownEmbeddings && { unknownEmbeddings: parts.unknownEmbeddings }),
    promptStyle: parts.reading.style,
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
      const [, tokens, width] = tidy(() => features.of('').context.shape);
      return [tokens, width];
    },
    *denoise(request) {
      checkRequest(request, parts);
      const { noise, settings, guidance } = request;
      const scheduler = createScheduler(
        schedulerConfig(parts.schedulerConfig, settings.scheduler, settings.schedule),
        request.statistics,
      );
      const { eta, timesteps } = settings;
      const plan = scheduler.plan(settings.steps, { eta, ...(timesteps && { timesteps }) });
      const steps = plan.timesteps.length;
      const { mix, text } = readPrompts(request, steps);
      try {
        const hooks: DenoiseHooks = {
          ...(request.choosesRows && { choosesRows: true }),
          ...(request.begin && { begin: request.begin }),
          ...(guidance && { moveLatents: guideByConsistency(guidance, decode, parts.schedulerConfig) }),
        };
        return yield* denoise(createModel(request, parts, mix.join, text), scheduler, plan, noise, hooks);
      } finally {
        text.dispose();
      }
    },
    ...(isVariancePreserving(parts.schedulerConfig) && {
      noisePredictor(request) {
        checkRequest(request, parts);
        const { mix, text } = readPrompts(request, 1);
        return noisePredictor(parts.schedulerConfig, createModel(request, parts, mix.join, text), text.dispose);
      },
    }),
    decode,
    ...(adaptable && {
      adaptable: {
        shapes: adaptable.shapes,
        adapt: (adapter) => stableDiffusion(adaptable.adapt(adapter), [generator]),
        widths: adaptable.widths,
        embed: (embeddings) => stableDiffusion(adaptable.embed(embeddings), [generator]),
      },
    }),
    dispose() {
      features.dispose();
      parts.dispose();
    },
  };
  return generator;
}

/** The U-Net and the ControlNets as the loop calls them: mixes the answers to several prompts, see `promptMix`. */
function createModel(
  request: SampleRequest,
  { unet }: StableDiffusionParts,
  join: (answers: Tensor4D) => Tensor4D,
  text: TextTimeline,
): DenoisingModel {
  const { conditions } = request;
  return {
    predict(latents, { index, steps, timestep, rows }) {
      const active = conditions
        .filter(({ start, end }) => index / steps >= start && (index + 1) / steps <= end)
        .map(({ image, map, ...condition }) => ({
          ...condition,
          image: gatherRows(image, rows),
          ...(map && { map: gatherRows(map, rows) }),
        }));
      const ask = (own: TextConditions): Tensor4D => {
        const sample = repeatRows(latents, own.blocks.length); // [blocks N, h, w, c]
        const steering = { ...readAdded(own), ...steer(active, sample, timestep, own) };
        return unet(sample, timestep, own.context, steering);
      };
      const now = chooseText(text.at(index), rows);
      return join(now.length === 1 ? ask(now[0]!) : inOrder(now, now.map(ask)));
    },
  };
}

const repeatRows = (rows: Tensor4D, times: number): Tensor4D =>
  times > 1 ? concat(new Array<Tensor4D>(times).fill(rows), 0) : rows;

/** The answers of several calls, block by block. */
function inOrder(text: readonly TextConditions[], answers: readonly Tensor4D[]): Tensor4D {
  const placed: Tensor4D[] = [];
  for (const [i, { blocks }] of text.entries())
    for (const [k, part] of split(answers[i]!, blocks.length, 0).entries()) placed[blocks[k]!] = part as Tensor4D;
  return concat(placed, 0);
}

const toImages = (decoded: Tensor4D): Tensor4D => clipByValue(add(mul(decoded, 0.5), 0.5), 0, 1);

/** What all ControlNets add: the sum of those that do so beforehand, and what is decided at each junction. */
function steer(
  conditions: readonly Condition[],
  sample: Tensor4D,
  timestep: number,
  text: TextConditions,
): Pick<UNetConditions, 'downResiduals' | 'midResidual' | 'atJunction'> {
  const of = (some: readonly Condition[]) => some.map((each) => weighedResiduals(each, sample, timestep, text));
  const plain = of(conditions.filter(({ controlnet }) => !controlnet.scaleAt));
  const smart = conditions.filter(({ controlnet }) => controlnet.scaleAt);
  const residuals = of(smart);
  return {
    ...(plain.length > 0 && addUp(plain)),
    ...(smart.length > 0 && {
      atJunction: (index, hidden, skip) =>
        smart.reduce((steered, { controlnet }, k) => {
          const residual = residuals[k]!.at(-1 - index); // the middle block's is last, the first skip connection's first
          if (!residual)
            throw new UserError(
              'BAD_SHAPE',
              `"${controlnet.name}" gives ${residuals[k]!.length - 1} residuals; this U-Net has more skip connections. They are made for different models.`,
            );
          const scale = controlnet.scaleAt!({ index, hidden, residual, ...(skip && { skip }) });
          return add<Tensor4D>(steered, mul(residual, scale));
        }, skip ?? hidden),
    }),
  };
}

/** What a ControlNet adds, times its scale and its map, and by some only beside the prompts that are not negative. */
function weighedResiduals(
  { controlnet, image, scale, map }: Condition,
  sample: Tensor4D,
  timestep: number,
  text: TextConditions,
): Tensor4D[] {
  const timesteps: Tensor1D = fill([sample.shape[0]], timestep);
  const forAll = (x: Tensor4D) => (x.shape[0] === 1 ? x : tile(x, [sample.shape[0] / x.shape[0], 1, 1, 1]));
  const input = { sample, timesteps, context: text.context, image: forAll(image), ...readAdded(text) };
  const { down, mid } = controlnet.residuals(input);
  const share = controlnet.promptedOnly && text.prompted ? mul<Tensor4D>(text.prompted, scale) : scale;
  return [...down, mid].map((residual) => {
    const weighed = share === 1 ? residual : mul<Tensor4D>(residual, share);
    if (!map) return weighed;
    const [, height, width] = residual.shape;
    return mul<Tensor4D>(weighed, forAll(resizeBilinear(map, height, width)));
  });
}

function addUp(residuals: readonly (readonly Tensor4D[])[]): Pick<UNetConditions, 'downResiduals' | 'midResidual'> {
  const sums = residuals.reduce((total, each) => total.map((residual, i) => add<Tensor4D>(residual, each[i]!)));
  return { downResiduals: sums.slice(0, -1), midResidual: sums.at(-1)! };
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
  for (const { shape } of conditions.flatMap(({ image, map }) => (map ? [image, map] : [image])))
    if (shape[0] !== 1 && shape[0] !== n)
      throw new UserError(
        'BAD_REQUEST',
        `There are ${shape[0]} condition images or maps for ${n} images; give one, or one an image.`,
      );
}
