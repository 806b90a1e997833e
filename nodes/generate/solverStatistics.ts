import { defineNode, many, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import {
  DIFFERENCE_CALLS,
  estimateStatistics,
  GRADIENT_CALLS,
  type Samples,
} from '../ml/diffusion/estimateStatistics.ts';
import { denoiseLatents } from '../ml/diffusion/sampleImages.ts';
import type { SolverStatistics } from '../ml/diffusion/solverIntegrals.ts';
import { latentNoise, randomStream } from '../ml/random.ts';
import { concat, dispose, type Tensor4D, tensor4d } from '../ml/tf.ts';
import { boolean, integer, seed } from '../params.ts';
import type { Generator, NoisePredictor, SampleRequest } from '../ports.ts';
import { remarkOnPrompt } from './shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from './shared/sampleParams.ts';
import { readLatentShape, sizeParams } from './shared/sizeParams.ts';
import { solverParams } from './shared/solverParams.ts';

/** Steps of the sampler that draws the clean latents. */
const STEPS = 20;

export const solverStatistics = defineNode({
  type: 'generate/solver-statistics',
  version: 1,
  title: 'Solver statistics',
  summary:
    'Estimates of a model what the scheduler dpm-v3 integrates by; the paper gains by it at 5 to 8 steps, with 1024 samples or more. The statistics hold for this model, image size and guidance scale: compare with dpm-v3 without them.',
  source: 'DPM-Solver-v3, arXiv 2310.13268, appendix C.1.1',
  inputs: {
    generator: one('generator', { help: 'It has to give gradients.' }),
    prompts: many('text', { min: 1, help: 'What the samples show, in turn; several of the kind that will be drawn.' }),
  },
  params: {
    samples: integer({
      initial: 32,
      min: 1,
      max: 4096,
      help: `Images that the statistics are means over, drawn by the model itself in ${STEPS} steps of dpm++2m; the paper takes 1024 of its training.`,
    }),
    grid: integer({
      initial: 120,
      min: 10,
      max: 1200,
      help: 'Noise levels between which it interpolates; 250 in the paper.',
    }),
    share: boolean({
      initial: false,
      help: 'All places of a channel share their statistics: far fewer samples do, and they serve any size.',
    }),
    ...solverParams,
    guidanceScale: sampleParams.guidanceScale,
    negativePrompt: sampleParams.negativePrompt,
    seed: seed({ initial: 0, help: 'Sample i is drawn from seed + i.' }),
    ...sizeParams,
    batch: sampleParams.batch,
  },
  outputs: { statistics: 'statistics' },
  async run({ generator, prompts }, params, context) {
    for (const prompt of prompts) remarkOnPrompt(generator, prompt, [params.negativePrompt], context.remark);
    const requestOf = requestsOf(generator, prompts, params);
    const predictors = new Map<number, NoisePredictor>();
    const owned: Tensor4D[] = [];
    let samples: Samples | undefined;
    try {
      const parts: Tensor4D[] = [];
      const cost = params.samples * STEPS + params.samples * (params.grid + 1) * (GRADIENT_CALLS + DIFFERENCE_CALLS);
      let calls = 0;
      const report = (added: number) => {
        calls += added;
        return context.progress(Math.min(1, calls / cost), `${Math.round(calls)} of ${cost} calls of the model`);
      };
      for (let start = 0; start < params.samples; start += params.batch) {
        const request = requestOf(start);
        owned.push(request.noise.latents);
        predictors.set(start, predictorOf(generator, request)); // which refuses before anything is drawn
        parts.push(await denoiseLatents(generator, request, () => report(request.noise.seeds.length)));
        owned.push(parts.at(-1)!);
      }
      samples = samplesFrom(parts, params.seed);
      const lambdas = predictors.get(0)!.lambdas(params.grid);
      const estimated = await estimateStatistics(
        (x, lambda, start) => predictors.get(start)!.predict(x as Tensor4D, lambda),
        samples,
        lambdas,
        params,
        (fraction) => report(params.samples * STEPS + fraction * (cost - params.samples * STEPS) - calls),
      );
      refuseBroken(estimated, generator);
      context.remark(
        `The statistics are of ${params.samples} images that the model drew itself; a model that is trained further, another size or another guidance scale needs its own.`,
      );
      const { grid, shape, l, s, b } = estimated;
      return { statistics: { grid, shape, l, s, b, order: params.order, corrector: params.corrector } };
    } finally {
      for (const predictor of predictors.values()) predictor.dispose();
      dispose([...owned, ...(samples ? Object.values(samples) : [])]);
    }
  },
});

/** The request of the samples from a number on, `batch` or what is left of them. It owns its latents. */
function requestsOf(
  generator: Generator,
  prompts: readonly string[],
  params: {
    readonly samples: number;
    readonly batch: number;
    readonly seed: number;
    readonly width: number;
    readonly height: number;
    readonly guidanceScale: number;
    readonly negativePrompt: string;
  },
): (start: number) => SampleRequest {
  const shape = readLatentShape(generator, params);
  const own = { scheduler: 'dpm++2m', schedule: 'model', steps: STEPS, timesteps: '', eta: 0 } as const;
  const settings = sampleSettings(generator, { ...params, ...own });
  return (start) => {
    const rows = Array.from({ length: Math.min(params.batch, params.samples - start) }, (_, i) => start + i);
    const seeds = rows.map((row) => (params.seed + row) % 2 ** 53);
    return {
      noise: { latents: latentNoise(seeds, shape), seeds },
      prompts: rows.map((row) => prompts[row % prompts.length]!),
      negativePrompt: params.negativePrompt,
      settings,
      conditions: [],
    };
  };
}

/** Throws UserError `UNSUPPORTED`. */
function predictorOf(generator: Generator, request: SampleRequest): NoisePredictor {
  const predictor = generator.differentiable ? generator.noisePredictor?.(request) : undefined;
  if (predictor) return predictor;
  throw new UserError(
    'UNSUPPORTED',
    `"${generator.name}" has no solver statistics: they are of models that give gradients and were trained on timesteps, as Stable Diffusion 1, 2 and XL.`,
    { at: { port: 'generator' } },
  );
}

/** Throws UserError `NOT_FINITE`: no image can be drawn by such statistics, and no file of them is read. */
function refuseBroken({ l, s, b }: SolverStatistics, { name }: Generator): void {
  const broken = Object.entries({ l, s, b }).find(([, values]) => !values.every(Number.isFinite));
  if (!broken) return;
  const [statistic, values] = broken;
  throw new UserError(
    'NOT_FINITE',
    `The statistic ${statistic} of "${name}" has the value ${values.find((value) => !Number.isFinite(value))}: the model gives numbers that are not finite. Check the model, or lower the guidance scale.`,
    { at: { port: 'generator' } },
  );
}

/** Clean samples with noise and probes for each, which follow from the seed. */
function samplesFrom(parts: readonly Tensor4D[], seed: number): Samples {
  const clean: Tensor4D = concat([...parts], 0);
  const random = randomStream(seed);
  const drawn = (draw: () => number) => tensor4d(Float32Array.from({ length: clean.size }, draw), clean.shape);
  return { clean, noise: drawn(random.normal), probe: drawn(() => 2 * random.integer(2) - 1) };
}
