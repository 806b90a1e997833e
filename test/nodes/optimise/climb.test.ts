import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadControlNet } from '../../../nodes/ml/models/load/loadControlNet.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { recompute } from '../../../nodes/ml/nn/recompute.ts';
import { evaluateOnce, evaluateWithGradient } from '../../../nodes/ml/optimise/evaluate.ts';
import type { ObjectiveParts } from '../../../nodes/ml/optimise/objective.ts';
import { createObjective, startPenalty, weightPenalty } from '../../../nodes/ml/optimise/variables.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import {
  dispose,
  fill,
  memory,
  mul,
  randomUniform,
  sigmoid,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
} from '../../../nodes/ml/tf.ts';
import { climb } from '../../../nodes/optimise/climb.ts';
import { reno } from '../../../nodes/optimise/reno.ts';
import type { ControlNet, Generator, Reward } from '../../../nodes/ports.ts';
import { colourfulness } from '../../../nodes/reward/colourfulness.ts';
import { brightness } from '../../support/brightness.ts';
import { expectClose, gradientPair } from '../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles as files, goldenFolder } from '../../support/golden.ts';
import { identified } from '../../support/identified.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';

type Params = Parameters<typeof climb.run>[1];
const initialOf = (node: { readonly params: object }) =>
  Object.fromEntries(Object.entries(node.params).map(([name, { initial }]) => [name, initial]));
const params = { ...(initialOf(climb) as Params), evaluations: 5 };
type Inputs = Parameters<typeof climb.run>[0];
type Result = Awaited<ReturnType<typeof climb.run>>;

const nothing = { generator: undefined, noise: undefined, images: undefined, prompt: 'p', watch: [], conditions: [] };
const free = ({ images, firstImages, noise }: Result) =>
  dispose([images.pixels, firstImages.pixels, ...noise.map(({ latents }) => latents)]);

async function run<Read>(
  inputs: Partial<Inputs> & { rewards: readonly Reward[] },
  changes: Partial<Params>,
  read: (result: Result) => Read | Promise<Read>,
): Promise<Read> {
  const result = await climb.run({ ...nothing, ...inputs }, { ...params, ...changes }, nodeContext().context);
  try {
    return await read(result);
  } finally {
    free(result);
  }
}

describe('Climb', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();
  const noiseOf = (seeds: number[]) => ({ latents: latentNoise(seeds, [4, 8, 3]), seeds });

  it('is ReNO where noise climbs, to the last number', async () => {
    const noise = noiseOf([3, 4]);
    const shared = { generator: stripeGenerator(), noise, rewards: [brightness], watch: [brightness], conditions: [] };
    const settings = { ...(initialOf(reno) as Parameters<typeof reno.run>[1]), evaluations: 5 };
    const reference = await reno.run(
      { ...shared, prompt: ['p'], lookThrough: undefined },
      settings,
      nodeContext().context,
    );
    await run(shared, {}, async (result) => {
      expect(result.trace.values).toEqual(reference.trace.values);
      expect(result.scores).toEqual(reference.scores);
      expect(result.noise).toHaveLength(1);
      expect(await result.noise[0]!.latents.data()).toEqual(await reference.noise.latents.data());
      expect(result.scales).toEqual([]);
    });
    dispose([noise.latents, reference.noise.latents, reference.images.pixels, reference.firstImages.pixels]);
  });

  it('climbs fewer at a time than asked for where memory has no room, and says so', async () => {
    const [generator, noise] = [stripeGenerator(), noiseOf([3, 4, 5, 6])];
    const { context } = nodeContext({ freeBytes: () => 20_000 });
    const given = { ...nothing, generator, noise, rewards: [brightness] };
    const result = await climb.run(given, { ...params, batch: 4 }, context);
    expect(result.trace.remarks).toEqual([expect.stringMatching(/^4 images at once take .* are optimised at a time/)]);
    expect(generator.batches.every((size) => size < 4)).toBe(true);
    free(result);
    noise.latents.dispose();
  });

  it('keeps activations while memory has room for them, else computes them again', async () => {
    const noise = noiseOf([3]);
    const countBlocks = async (freeBytes?: number) => {
      let count = 0;
      const block = (latents: Tensor4D) => {
        count++;
        return sigmoid(latents);
      };
      const generator = { ...stripeGenerator(), decode: (latents: Tensor4D) => recompute(block, [latents] as const) };
      const { context } = nodeContext(freeBytes === undefined ? {} : { freeBytes: () => freeBytes });
      const given = { ...nothing, generator, noise, rewards: [brightness] };
      free(await climb.run(given, { ...params, evaluations: 2 }, context));
      return count;
    };
    expect(await countBlocks()).toBe(3); // the first evaluation, again for its gradient, and the last
    expect(await countBlocks(1e9)).toBe(2);
    dispose(noise.latents);
  });

  it('says which words of the prompt the generator does not know', async () => {
    const [generator, noise] = [{ ...stripeGenerator(), words: ['red'] }, noiseOf([3])];
    const { context, remarks } = nodeContext();
    const given = { ...nothing, generator, noise, prompt: 'red dog', rewards: [brightness] };
    free(await climb.run(given, { ...params, evaluations: 1 }, context));
    expect(remarks).toEqual([expect.stringContaining('knows no "dog"')]);
    dispose(noise.latents);
  });

  it('climbs the clean latents, through the decoder alone', async () => {
    const generator = stripeGenerator();
    const noise = noiseOf([3]);
    await run({ generator, noise, rewards: [brightness] }, { variable: 'latents' }, ({ trace, noise, scores }) => {
      expect(generator.batches).toEqual([1]); // denoised once
      expect(noise).toEqual([]);
      expect(trace.columns.at(-1)!.name).toBe('length of the latents');
      expect(scores.values[0]![0]).toBeGreaterThan(trace.values[0]![0]![0]!);
    });
    dispose(noise.latents);
  });

  it('climbs given images without a generator, and keeps them in range', async () => {
    const pixels = fill([2, 4, 8, 3], 0.98) as Tensor4D;
    const images = { pixels, labels: [{ prompt: 'a' }, { prompt: 'b', seed: 7 }] };
    const seen: string[][] = [];
    const reading: Reward = {
      ...brightness,
      score: (pixels, prompts) => {
        seen.push([...prompts]);
        return brightness.score(pixels, prompts);
      },
    };
    const changes = { variable: 'image', regularisation: 0, clip: 0 } as const;
    await run({ images, rewards: [reading], prompt: undefined }, changes, async (result) => {
      const values = await result.images.pixels.data();
      expect(Math.max(...values)).toBe(1);
      expect(Math.min(...values)).toBeGreaterThan(0.98);
      expect(await result.firstImages.pixels.data()).toEqual(await pixels.data());
      const labels = [
        { prompt: 'a', seed: 0 },
        { prompt: 'b', seed: 7 },
      ];
      expect(result.images.labels).toEqual(identified(labels));
    });
    expect(seen.every((prompts) => prompts.join() === 'a,b')).toBe(true);
    dispose(pixels);
  });

  it('holds a variable near its start', async () => {
    const [start, x] = [tensor([1, 2, 3, 4], [2, 2]), tensor([1, 2, 5, 3], [2, 2])];
    const { penalty, gradient } = await weightPenalty(0.5, startPenalty(start))(x);
    expect([...(await penalty.data())]).toEqual([0, 1.25]);
    expect([...(await gradient.data())]).toEqual([0, 0, 1, -0.5]);
    dispose([start, x, penalty, gradient]);
  });

  it('says what is missing', async () => {
    const noise = noiseOf([1]);
    const refused = (inputs: Partial<Inputs>, changes: Partial<Params>) =>
      expect(run({ rewards: [brightness], ...inputs }, changes, () => {})).rejects;
    await refused({ noise }, {}).toMatchObject({ code: 'MISSING_INPUT', at: { port: 'generator' } });
    await refused({ generator: stripeGenerator() }, {}).toMatchObject({ code: 'MISSING_INPUT', at: { port: 'noise' } });
    const inputs = { generator: stripeGenerator(), noise };
    await refused(inputs, { variable: 'prompt' }).toMatchObject({ code: 'UNSUPPORTED' });
    await refused(inputs, { variable: 'control scale' }).toMatchObject({ code: 'NO_CONDITION' });
    const blind = { ...brightness, differentiable: false };
    await refused({ ...inputs, rewards: [blind] }, {}).toMatchObject({ code: 'NOT_DIFFERENTIABLE' });
    dispose(noise.latents);
  });
});

/** No penalty, no projection: rewards alone. */
const plain = { regularisation: 0, projectRadius: false, gradient: 'exact' } as const;

describe('Climb on a model with random weights', async () => {
  let generator: Generator;
  let controlnet: ControlNet;
  let tensors = 0;
  const { reward: colourful } = await colourfulness.run({}, {}, nodeContext().context);

  beforeAll(async () => {
    await openTestDevice();
    tensors = memory().numTensors;
    generator = await loadGenerator(files, goldenFolder('tiny-sd15'));
    controlnet = await loadControlNet(files, goldenFolder('tiny-controlnet'));
    const warmUp = createParts(); // the features of both prompts are remembered
    const seen = evaluateOnce(
      warmUp.request.noise.latents,
      createObjective(warmUp, { ...plain, variable: 'noise' }).evaluate,
    );
    dispose([seen.pixels, ...seen.scores, warmUp.request.noise.latents, warmUp.request.conditions[0]!.image]);
  });
  afterAll(() => {
    generator.dispose();
    controlnet.dispose();
    expect(memory().numTensors).toBe(tensors);
  });
  guardLeaks();

  /** Two images in two guided steps, steered by one image. */
  function createParts(): ObjectiveParts {
    const image = randomUniform([1, 64, 64, 3], 0, 1, 'float32', 5) as Tensor4D;
    return {
      generator,
      request: {
        noise: { latents: latentNoise([1, 2], [8, 8, 4]), seeds: [1, 2] },
        prompts: ['a red dog'],
        negativePrompt: '',
        settings: { scheduler: 'ddim', steps: 2, guidanceScale: 3, eta: 0 },
        conditions: [{ controlnet, image, scale: 0.7, start: 0, end: 1 }],
      },
      rewards: [colourful],
      watched: [],
    };
  }

  it.each([
    ['noise', 0.008],
    ['latents', 0.02],
    ['image', 0.003],
    ['prompt', 0.05],
    ['control scale', 0.05],
  ] as const)('knows the gradient of the %s', async (variable, step) => {
    const parts = createParts();
    const { start, evaluate, dispose: freeStart } = createObjective(parts, { ...plain, variable });
    await expectClose(() => {
      const { gradient, pixels, scores } = evaluateWithGradient(start, evaluate, [1]);
      const total = (x: Tensor) => mul(sum(evaluate(x).scores[0]!), -1);
      const pair = gradientPair(total, start, gradient, step);
      dispose([pixels, ...scores, gradient]);
      return [pair];
    });
    freeStart?.();
    dispose([parts.request.noise.latents, parts.request.conditions[0]!.image]);
  });

  it('climbs by the prompt and by the scale of a ControlNet', async () => {
    const { request } = createParts();
    const { noise, conditions } = request;
    const inputs = { generator, noise, conditions, rewards: [colourful], prompt: 'a red dog' };
    const changes = { scheduler: 'ddim', steps: 2, guidanceScale: 3, evaluations: 3, clip: 0.5 } as const;
    for (const variable of ['prompt', 'control scale'] as const)
      await run(inputs, { ...changes, variable, learningRate: 0.5 }, ({ scores, firstScores, scales }) => {
        for (const row of [0, 1]) expect(scores.values[row]![0]).toBeGreaterThan(firstScores.values[row]![0]!);
        expect(scales).toHaveLength(variable === 'prompt' ? 0 : 2);
        for (const scale of scales) expect(scale).not.toBe(1);
      });
    dispose([noise.latents, conditions[0]!.image]);
  });
});
