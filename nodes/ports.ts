import type { SolverStatistics } from './ml/diffusion/solverIntegrals.ts';
import type { Adapter } from './ml/models/lora.ts';
import type { Embedding, PromptStyle } from './ml/models/promptReader.ts';
import type { JunctionScale } from './ml/models/smartControl.ts';
import type { NoiseStream } from './ml/noiseStream.ts';
import type { Tensor1D, Tensor3D, Tensor4D } from './ml/tf.ts';
import type { AdaptedPart } from './ml/weights/loraNames.ts';

/**
 * Every kind of value that a wire carries, stated once: shape, dtype, range, order and ownership.
 *
 * - All tensors are float32, batch first, channels last (NHWC).
 * - A value is frozen once it is on a wire: nobody writes to it and only the engine disposes of it (after its last
 *   reader, or when the cache lets it go). A node that wants to keep a tensor longer clones it.
 * - An output may carry a list of values of its type; a node whose input takes one value then runs once per element.
 * - Things: text, number, noise, distribution, images, condition, scores, statistics, trace. Functions: generator, reward,
 *   consistency, controlnet.
 *   Loading a function is async; applying it is synchronous and, where `differentiable`, may run inside `tf.grad`.
 */
export interface PortValues {
  text: string;
  number: number;
  noise: Noise;
  distribution: Distribution;
  images: Images;
  condition: Condition;
  scores: Scores;
  statistics: Statistics;
  trace: Trace;
  generator: Generator;
  reward: Reward;
  consistency: Consistency;
  controlnet: ControlNet;
}
export type PortType = keyof PortValues;

/** Unit-normal noise in the latent space of a generator; image i of a batch comes from `seeds[i]`, or from its stream. */
export interface Noise {
  /** [N, h, w, c], standard normal, before any scaling by a scheduler. */
  readonly latents: Tensor4D;
  /** N seeds, integers in [0, 2^53). Stochastic samplers draw their further noise from the same seeds. */
  readonly seeds: readonly number[];
  /** N streams of further noise, where it is not diffusers'. */
  readonly streams?: readonly NoiseStream[];
}

/** A factorised Gaussian over the noise of one image, in the latent space of a generator; plain noise is N(0, 1). */
export interface Distribution {
  /** [h, w, c] */
  readonly mean: Tensor3D;
  /** [h, w, c] standard deviations, above 0. */
  readonly std: Tensor3D;
  /** What it was learned for. */
  readonly prompt: string;
}

export interface Images {
  /** [N, H, W, 3], sRGB values in [0, 1], RGB order. */
  readonly pixels: Tensor4D;
  /** N labels: what is known of where each image came from. */
  readonly labels: readonly ImageLabel[];
}
export interface ImageLabel {
  /** Which image it is, wherever it goes (see `imageIds`): scores that bear it are this image's. */
  readonly id?: string;
  readonly prompt?: string;
  /** What rewards read of the prompt, where that has weights or other signs besides words. */
  readonly words?: string;
  readonly seed?: number;
  readonly name?: string;
}

/** A ControlNet together with the image that steers it. */
export interface Condition {
  readonly controlnet: ControlNet;
  /** [1 or N, H, W, 3] in [0, 1], not normalised. */
  readonly image: Tensor4D;
  /** Multiplies every residual; 1 is the strength of training. */
  readonly scale: number;
  /** [1 or N, H, W, 1] of any size: multiplies residuals place by place, in [0, 1]. */
  readonly map?: Tensor4D;
  /** Fractions of the sampling steps, 0 <= start < end <= 1, between which the ControlNet acts. */
  readonly start: number;
  readonly end: number;
}

/** Statistics of a model for the scheduler dpm-v3, and how it uses them. Plain numbers in memory of JavaScript. */
export interface Statistics extends SolverStatistics {
  /** Of the solver: 1 to 3. */
  readonly order: number;
  /** Each step corrects the one before. */
  readonly corrector: boolean;
}

/** One row an image, one column a score. */
export interface Scores {
  readonly names: readonly string[];
  /** values[row][column] */
  readonly values: readonly (readonly number[])[];
  readonly labels: readonly ImageLabel[];
}

/** The history of an optimisation: one table for each image, with one row for each evaluation and one column for each quantity. */
export interface Trace {
  readonly columns: readonly TraceColumn[];
  /** values[image][evaluation][column]; an image that stopped early has fewer rows. */
  readonly values: readonly (readonly (readonly number[])[])[];
  /** One for each table. */
  readonly labels: readonly ImageLabel[];
  /** The evaluation, counted from 0, whose result each image kept. */
  readonly kept: readonly number[];
  /** Whole sentences for people: what stopped early and why, and what needs attention. */
  readonly remarks: readonly string[];
  /** Whether rewards were found to be exploited: what is optimised rose while what is watched fell. A remark says where. */
  readonly hacks?: boolean;
}
export interface TraceColumn {
  readonly name: string;
  /** `total` is what is optimised, `reward` a part of it, `watched` a reward that is only scored, `measure` anything else. */
  readonly role: 'total' | 'reward' | 'watched' | 'measure';
}

/** What all functions on wires share: a name for people, the memory they hold, and `dispose`, which the engine calls. */
export interface LoadedFunction {
  readonly name: string;
  /** Bytes of weights held. */
  readonly bytes: number;
  /** Functions of other wires that it calls: they stay loaded as long as it does; it does not own them. */
  readonly uses?: readonly LoadedFunction[];
  dispose(): void;
}

export interface SampleSettings {
  /** A name of the scheduler table in `ml/diffusion`, e.g. 'euler', 'ddim', 'dpm++2m'. */
  readonly scheduler: string;
  /** A key of the schedules in `ml/diffusion`, e.g. 'karras'; absent or 'model' is the model's own spacing. */
  readonly schedule?: string;
  readonly steps: number;
  /** As many training timesteps as there are steps, in place of the scheduler's own. */
  readonly timesteps?: readonly number[];
  /** 1 (or 0, as diffusers' turbo pipelines write it) means no classifier-free guidance. */
  readonly guidanceScale: number;
  /** DDIM's eta in [0, 1]; 0 is deterministic. */
  readonly eta: number;
}

export interface SampleRequest {
  readonly noise: Noise;
  /** N prompts, or one for all. */
  readonly prompts: readonly string[];
  readonly negativePrompt: string;
  readonly settings: SampleSettings;
  readonly conditions: readonly Condition[];
  /** A second prompt, weighed against the first: takes the place of `settings.guidanceScale`. */
  readonly expanded?: ExpandedPrompt;
  readonly guidance?: ConsistencyGuidance;
  /** Of this generator, for the scheduler dpm-v3; others do not read them. */
  readonly statistics?: Statistics;
  /** [N, T, D]: is added to the features of the prompts; only for generators that have a `promptShape`. */
  readonly promptOffset?: Tensor3D;
  /** Whether `denoise` asks in each step, between the model's answer and the scheduler's step, which rows go on. */
  readonly choosesRows?: boolean;
  /** Begins with these clean latents [N, h, w, c] and the noise of the request at the level from which `steps` of the steps are left. */
  readonly begin?: { readonly latents: Tensor4D; readonly steps: number };
}

/**
 * A prompt with more words, beside the original one so that what was asked for is not lost.
 * Source: arXiv 2401.05675 (Parrot), equation 5
 */
interface ExpandedPrompt {
  readonly prompt: string;
  /** w1 of the original prompts and w2 of this one; the negative prompt has 1 - w1 - w2. */
  readonly originalWeight: number;
  readonly expandedWeight: number;
}

/**
 * Moves the noisy latents of late steps towards images that keep to a condition. Source: arXiv 2404.07987
 * (ControlNet++), equation 7, at inference
 */
export interface ConsistencyGuidance {
  readonly consistency: Consistency;
  /** The condition images, [1 or N, H, W, 3] in [0, 1]. */
  readonly image: Tensor4D;
  /** Step length relative to the norm of the remaining noise; about 0.1 to 0.5. */
  readonly scale: number;
  /** The largest timestep (of 1000 in training) at which it acts: at larger ones, estimates of the image are too rough. */
  readonly maxTimestep: number;
}

export interface SampleStep {
  /** 1-based number of the step just done, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /**
   * [N, h, w, c] latents after this step (before it, where rows are chosen), and the model's present estimate of the clean
   * latents. Valid until the next step.
   */
  readonly latents: Tensor4D;
  readonly estimate: Tensor4D;
  /** Where rows are chosen: whether copies of a row would part, since noise of their own enters in this step or later. */
  readonly copiesPart?: boolean;
  /** Where rows are chosen: latents = signal * clean latents + noise * standard normal noise. */
  readonly level?: { readonly signal: number; readonly noise: number };
}

/**
 * Denoising, step by step: gives the clean latents [N, h, w, c] in the end, which the caller owns. Where the request chooses
 * rows, `next` takes those that go on, at least one, in any order and any number of times each; undefined is all as they are.
 */
export type Denoising = globalThis.Generator<SampleStep, Tensor4D, readonly number[] | undefined>;

/** A small image of work in progress. */
export interface Preview {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, 3 bytes a pixel. */
  readonly rgb: Uint8Array;
}

/** Latents z of a diffusion model from those of an autoencoder, x: (x - mean) scale / std, channel by channel. */
export interface LatentFormat {
  readonly scale: number;
  /** [channels] each; 0 and 1 where absent. */
  readonly statistics?: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

/** A text-to-image model: noise and prompt in, images out. */
export interface Generator extends LoadedFunction {
  readonly differentiable: boolean;
  /** What the model itself recommends. */
  readonly defaults: SampleSettings & { readonly width: number; readonly height: number };
  /** How its latents are made of those of an autoencoder, where that matters to another decoder of them. */
  readonly latentFormat?: LatentFormat;
  /** The only words that the model knows, in lower case; absent where it was trained on language at large. */
  readonly words?: readonly string[];
  /** The end of a prompt that is not read because the prompt is too long; '' where all of it is. Absent where nothing is cut. */
  unreadPart?(prompt: string): string;
  /** Whose weights and other signs its prompts may have; absent where they are words alone. */
  readonly promptStyle?: PromptStyle;
  /** Names of embeddings in a prompt that it does not have. */
  unknownEmbeddings?(prompt: string): readonly string[];
  /** [h, w, c] of the latents for an image size in pixels. Throws UserError `BAD_SIZE`. */
  latentShape(width: number, height: number): [h: number, w: number, c: number];
  /** [T, D] of the features of a prompt, where they can be moved by `promptOffset`. */
  promptShape?(): [tokens: number, width: number];
  /**
   * Denoises step by step: a synchronous iterator, so a node can yield to cancel, progress and previews between steps,
   * and a gradient can run through it. Returns the clean latents [N, h, w, c]; the caller owns them. Throws UserError
   * `BAD_PARAM` where rows are to be copied that would stay equal.
   */
  denoise(request: SampleRequest): Denoising;
  /**
   * The noise that it predicts in any noisy latents of a request's prompts, after guidance; absent where it was not trained on
   * the timesteps of a variance-preserving process. The caller disposes of the result.
   */
  noisePredictor?(request: SampleRequest): NoisePredictor;
  /** Clean latents -> pixels [N, H, W, 3] clamped to [0, 1]. The caller owns the result. */
  decode(latents: Tensor4D): Tensor4D;
  /** Absent where its weights cannot be changed by an adapter. */
  readonly adaptable?: Adaptable;
}

/** A generator without its sampler. */
export interface NoisePredictor {
  /** An even grid of half log signal-to-noise ratios, from the noisiest that it was trained on. */
  lambdas(grid: number): number[];
  /** x [N, h, w, c] = alpha clean + sigma noise at a half log signal-to-noise ratio -> noise; differentiable. */
  predict(x: Tensor4D, lambda: number): Tensor4D;
  dispose(): void;
}

/** A generator as adapters (LoRA) and embeddings see it. */
export interface Adaptable {
  /** Names and shapes, as in files, of the weights of each network. */
  readonly shapes: Readonly<Partial<Record<AdaptedPart, ReadonlyMap<string, readonly number[]>>>>;
  /**
   * The generator with an adapter over its weights, which stay as they are and are shared. The caller owns the result, which
   * owns the adapter and uses this generator.
   */
  adapt(adapter: Adapter): Generator;
  /** Features of a token, for each text encoder. */
  readonly widths: readonly number[];
  /** The generator with more embeddings that its prompts may name. The caller owns the result, which uses this generator. */
  embed(embeddings: readonly Embedding[]): Generator;
}

/** Images and prompts in, one score per image out; higher is better. */
export interface Reward extends LoadedFunction {
  readonly differentiable: boolean;
  /** The usual range of its scores, for axes and sliders. */
  readonly usualRange: readonly [low: number, high: number];
  /** The end of a prompt that it does not read because the prompt is too long; '' where it reads all. Absent where it reads none. */
  unreadPart?(prompt: string): string;
  /** Its weight where rewards are added up; 1 where absent. Its own scores are never multiplied by it. */
  readonly weight?: number;
  /** [N, H, W, 3] in [0, 1] and N prompts -> [N]. The caller owns the result. */
  score(pixels: Tensor4D, prompts: readonly string[]): Tensor1D;
}

/**
 * How well images keep to a condition: their edges, depth, labels ... as a detector sees them, beside those of a
 * condition image. Images are [N, H, W, 3] in [0, 1], condition images [1 or N, H, W, 3] likewise.
 */
export interface Consistency extends LoadedFunction {
  /** Whether `loss` is. */
  readonly differentiable: boolean;
  /** What `measure` gives. */
  readonly metric: { readonly name: 'F1' | 'SSIM' | 'RMSE' | 'mIoU'; readonly best: 'highest' | 'lowest' };
  /** The condition images of images, as a ControlNet takes them: [N, H, W, 3] in [0, 1]. The caller owns the result. */
  map(pixels: Tensor4D): Tensor4D;
  /** How far images are from the condition: [N], 0 and up. The caller owns the result. */
  loss(pixels: Tensor4D, condition: Tensor4D): Tensor1D;
  /** The metric that papers report: [N]; has no gradient. The caller owns the result. */
  measure(pixels: Tensor4D, condition: Tensor4D): Tensor1D;
}

/** Residuals that a ControlNet adds to a U-Net's skip connections. */
export interface ControlNet extends LoadedFunction {
  /** It steers the prompted answers only: beside a negative prompt its residuals count as zero. */
  readonly promptedOnly?: boolean;
  /**
   * sample [N, h, w, c], timesteps [N], context [N, tokens, width], condition image [N, H, W, 3] -> residuals in the
   * U-Net's order (one per skip connection), then the middle block's, unscaled. The caller owns them.
   */
  residuals(input: ControlNetInput): { down: Tensor4D[]; mid: Tensor4D };
  /** How much of a residual counts where the decoder takes a skip connection; absent where all of each does. */
  readonly scaleAt?: JunctionScale;
}
export interface ControlNetInput {
  readonly sample: Tensor4D;
  readonly timesteps: Tensor1D;
  readonly context: Tensor3D;
  readonly image: Tensor4D;
  /** SDXL's pooled text embedding and time ids, where the model has them. */
  readonly added?: AddedConditions;
}
export interface AddedConditions {
  /** [N, width] */
  readonly textEmbeds: import('./ml/tf.ts').Tensor2D;
  /** [N, 6]: original height, width, crop top, left, target height, width. */
  readonly timeIds: import('./ml/tf.ts').Tensor2D;
}
