import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asReward } from '../../../nodes/consistency/asReward.ts';
import { canny } from '../../../nodes/consistency/canny.ts';
import { sample } from '../../../nodes/generate/sample.ts';
import { imageIds } from '../../../nodes/ml/image/imageIds.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { noiseStreams, startNoise } from '../../../nodes/ml/noiseStream.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, mean, memory, type Rank, type Tensor1D, tidy, zeros } from '../../../nodes/ml/tf.ts';
import { swapDecoder } from '../../../nodes/model/swapDecoder.ts';
import { reno } from '../../../nodes/optimise/reno.ts';
import { SEED_STRIDE } from '../../../nodes/optimise/shared/starts.ts';
import type { Generator, Images, Noise, Reward } from '../../../nodes/ports.ts';
import { colourfulness } from '../../../nodes/reward/colourfulness.ts';
import { weight } from '../../../nodes/reward/weight.ts';
import { worldTruth } from '../../../nodes/reward/worldTruth.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles as files, goldenFolder } from '../../support/golden.ts';
import { identified } from '../../support/identified.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';

const initial = Object.fromEntries(Object.entries(reno.params).map(([name, { initial }]) => [name, initial]));
const params = { ...(initial as Parameters<typeof reno.run>[1]), evaluations: 5 };
type Result = Awaited<ReturnType<typeof reno.run>>;

const free = ({ noise, images, firstImages }: Result) => dispose([noise.latents, images.pixels, firstImages.pixels]);

/** Runs ReNO, reads its result and frees it with the noise it started from. */
async function runReno<Read>(
  inputs: { generator: Generator; rewards: readonly Reward[]; seeds?: number[] } & Partial<
    Parameters<typeof reno.run>[0]
  >,
  changes: Partial<typeof params>,
  read: (result: Result) => Promise<Read> | Read,
  context = nodeContext(),
): Promise<Read> {
  const { seeds = [3], generator } = inputs;
  const { width, height } = generator.defaults;
  const noise: Noise = { latents: latentNoise(seeds, generator.latentShape(width, height)), seeds };
  const given = { noise, prompt: ['bright'], watch: [], conditions: [], lookThrough: undefined, ...inputs };
  try {
    const result = await reno.run(given, { ...params, ...changes }, context.context);
    try {
      return await read(result);
    } finally {
      free(result);
    }
  } finally {
    noise.latents.dispose();
  }
}

const valuesOf = async ({ pixels }: Images) => Array.from(await pixels.data());

describe('ReNO', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('has the defaults of the paper’s code', () => {
    expect(initial).toMatchObject({
      evaluations: 50,
      optimiser: 'sgd',
      learningRate: 5,
      clip: 0.1,
      regularisation: 0.01,
      gradient: 'exact',
    });
  });

  it('gives on what the noise of its steps is, for every prompt and for the starts it keeps', async () => {
    const generator = stripeGenerator();
    const streams = noiseStreams('comfyui', 3, 2);
    const noise = { latents: startNoise(streams, generator.latentShape(8, 4)), seeds: [3, 3], streams };
    const given = { generator, rewards: [brightness], noise, prompt: ['bright', 'dark'] };
    await runReno(given, {}, (result) => expect(result.noise.streams).toEqual([...streams, ...streams]));
    await runReno({ ...given, prompt: ['bright'] }, { starts: 2 }, (result) =>
      expect(result.noise.streams?.map(({ seed }) => seed)).toEqual(result.noise.seeds),
    );
    noise.latents.dispose();
  });

  it('keeps the best of several starts, of which the first is the given noise', async () => {
    const inputs = { generator: stripeGenerator(), rewards: [brightness], prompt: ['a'] };
    const startsOf = (seed: number) => [0, 1, 2].map((k) => seed + k * SEED_STRIDE);
    const shareOf = (values: number[], i: number, of: number) =>
      values.slice((i * values.length) / of, ((i + 1) * values.length) / of);
    const expectNear = (values: number[], expected: number[]) => {
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    };
    let improved = 0;
    for (const seed of [3, 4, 5, 6]) {
      const seeds = startsOf(seed);
      const apart = await runReno({ ...inputs, seeds }, {}, async ({ scores, images, firstImages }) => ({
        totals: scores.values.map(([score]) => score!),
        best: await valuesOf(images),
        first: await valuesOf(firstImages),
      }));
      const best = apart.totals.indexOf(Math.max(...apart.totals));
      improved += +(best > 0);
      await runReno(
        { ...inputs, seeds: [seed, 40] },
        { starts: 3 },
        async ({ noise, images, firstImages, scores, firstScores, trace }) => {
          expect(images.labels[0]).toMatchObject({ prompt: 'a', seed: seeds[best] });
          expect([noise.seeds[0], noise.latents.shape[0]]).toEqual([seeds[best], 2]);
          expect(scores.values[0]![0]).toBeCloseTo(apart.totals[best]!, 5);
          expectNear(shareOf(await valuesOf(images), 0, 2), shareOf(apart.best, best, 3));
          expectNear(shareOf(await valuesOf(firstImages), 0, 2), shareOf(apart.first, 0, 3));
          expect(firstImages.labels.map((label) => label.seed)).toEqual([seed, 40]);
          expect([firstScores.values.length, trace.labels.length]).toEqual([2, 6]);
        },
      );
    }
    expect(improved).toBeGreaterThan(0); // else this tells nothing
  });

  it('optimises every prompt from every noise, and tells how', async () => {
    const context = nodeContext();
    const inputs = { generator: stripeGenerator(), rewards: [brightness], prompt: ['a', 'b'], seeds: [3, 4] };
    await runReno(
      inputs,
      {},
      async ({ noise, images, firstImages, scores, firstScores, trace }) => {
        const labels = [
          { prompt: 'a', seed: 3 },
          { prompt: 'a', seed: 4 },
          { prompt: 'b', seed: 3 },
          { prompt: 'b', seed: 4 },
        ];
        for (const given of [images, firstImages, scores, firstScores])
          expect(given.labels).toEqual(identified(labels));
        expect(trace.labels).toEqual(labels);
        expect(scores.labels).toEqual(images.labels);
        expect(firstScores.labels).toEqual(firstImages.labels);
        expect(await imageIds(images.pixels)).toEqual(images.labels.map(({ id }) => id));
        expect(await imageIds(firstImages.pixels)).toEqual(firstImages.labels.map(({ id }) => id));
        expect(noise.seeds).toEqual([3, 4, 3, 4]);
        expect(trace.columns).toEqual([
          { name: 'total', role: 'total' },
          { name: 'brightness', role: 'reward' },
          { name: 'length of the noise', role: 'measure' },
        ]);
        const [best, first] = [
          tidy(() => brightness.score(images.pixels, [])),
          brightness.score(firstImages.pixels, []),
        ];
        for (const [i, values] of [await best.data(), await first.data()].entries())
          values.forEach((value, row) => {
            expect((i === 0 ? scores : firstScores).values[row]).toEqual([value]);
          });
        for (const [row, rows] of trace.values.entries()) {
          expect(rows).toHaveLength(5);
          expect(rows[trace.kept[row]!]![0]).toBe(scores.values[row]![0]);
          expect(rows[0]![0]).toBe(firstScores.values[row]![0]);
          expect(scores.values[row]![0]).toBeGreaterThan(firstScores.values[row]![0]!);
        }
        dispose([best, first]);
        const last = context.progress.at(-1)!;
        expect(last).toMatchObject({ fraction: 1, preview: true, text: expect.stringContaining('evaluation 5 of 5') });
        const lastMean = trace.values.reduce((sum, rows) => sum + rows[4]![0]!, 0) / 4;
        expect(last.figures).toMatchObject({ total: lastMean, brightness: lastMean });
      },
      context,
    );
  });

  it('weighs rewards, and leaves their scores as they are', async () => {
    const { reward } = await weight.run({ reward: brightness }, { weight: -2 }, nodeContext().context);
    await runReno({ generator: stripeGenerator(), rewards: [reward] }, {}, ({ scores, firstScores, trace }) => {
      expect(scores.values[0]![0]).toBeLessThan(firstScores.values[0]![0]!);
      for (const [total, score] of trace.values[0]!) expect(total).toBeCloseTo(-2 * score!, 6);
    });
  });

  it('scores watched rewards that need no gradient, and does not optimise them', async () => {
    const { reward: truth } = await worldTruth.run({}, {}, nodeContext().context);
    const watch: Reward = { ...truth, score: (pixels) => tidy(() => mean(pixels, [1, 2, 3]) as Tensor1D) };
    await runReno({ generator: stripeGenerator(), rewards: [brightness], watch: [watch] }, {}, ({ scores, trace }) => {
      expect(scores.names).toEqual(['brightness', 'world truth (oracle)']);
      expect(trace.columns[2]).toEqual({ name: 'world truth (oracle)', role: 'watched' });
      for (const [total, , watched] of trace.values[0]!) expect(total).toBeCloseTo(watched!, 6);
    });
  });

  it('names what gives no gradient, and what to use instead', async () => {
    const blind = { ...brightness, name: 'blind', differentiable: false };
    const generator = { ...stripeGenerator(), name: 'black box', differentiable: false };
    await expect(
      runReno({ generator: stripeGenerator(), rewards: [brightness, blind] }, {}, () => {}),
    ).rejects.toMatchObject({
      code: 'NOT_DIFFERENTIABLE',
      at: { port: 'rewards' },
      message: expect.stringMatching(/"blind" gives no gradient.*optimise\/find.*"watch"/),
    });
    await expect(runReno({ generator, rewards: [brightness] }, {}, () => {})).rejects.toMatchObject({
      code: 'NOT_DIFFERENTIABLE',
      at: { port: 'generator' },
      message: expect.stringContaining('"black box"'),
    });
  });

  it('refuses settings and conditions that do not go together', async () => {
    const inputs = { generator: stripeGenerator(), rewards: [brightness] };
    await expect(runReno(inputs, { optimiser: 'l-bfgs', projectRadius: true }, () => {})).rejects.toMatchObject({
      code: 'BAD_PARAM',
    });
    const image = zeros<Rank.R4>([2, 4, 8, 3]);
    const controlnet = { name: 'c', bytes: 0, residuals: () => expect.fail(), dispose: () => {} };
    const conditions = [{ controlnet, image, scale: 1, start: 0, end: 1 }];
    await expect(runReno({ ...inputs, conditions, seeds: [1, 2, 3] }, {}, () => {})).rejects.toMatchObject({
      code: 'ROWS_DIFFER',
    });
    dispose(image);
  });

  it('says of a reward that never changes that it had no effect', async () => {
    const level: Reward = { ...brightness, name: 'level', score: (pixels) => zeros([pixels.shape[0]]) };
    await runReno({ generator: stripeGenerator(), rewards: [brightness, level] }, {}, ({ trace }) => {
      expect(trace.remarks).toEqual(['The reward "level" was 0 throughout: it had no effect.']);
    });
    await expect(runReno({ generator: stripeGenerator(), rewards: [level] }, {}, () => {})).rejects.toMatchObject({
      code: 'NO_GRADIENT',
      message: expect.stringContaining('"level"'),
    });
  });

  it('optimises in batches that fit the memory, and says so where fewer fit than asked for', async () => {
    const batchesWith = async (free: number, batch: number) => {
      const generator = stripeGenerator();
      const remarks = await runReno(
        { generator, rewards: [brightness], seeds: [1, 2, 3, 4] },
        { batch, evaluations: 2 },
        ({ trace }) => trace.remarks,
        nodeContext({ freeBytes: () => free }),
      );
      return { batches: generator.batches, remarks };
    };
    const ample = await batchesWith(1e9, 0);
    expect(ample).toEqual({ batches: [1, 4, 4], remarks: [] }); // one to see what it takes
    const tight = await batchesWith(20_000, 0);
    expect(tight.batches.slice(1).every((size) => size < 4)).toBe(true);
    expect(tight.remarks).toEqual([]);
    const asked = await batchesWith(20_000, 4);
    expect(asked.batches).toEqual(tight.batches);
    expect(asked.remarks).toEqual([
      expect.stringMatching(/^4 images at once take .* are free: \d are optimised at a time/),
    ]);
    expect((await batchesWith(1e9, 3)).batches).toEqual([1, 3, 3, 1, 1]);
  });

  it('optimises all images at once where a reward has something for each of them', async () => {
    const generator = stripeGenerator();
    const { consistency } = await canny.run({}, { low: 0.1, high: 0.2, given: 'image' }, nodeContext().context);
    const reference: Images = { pixels: latentNoise([7, 8], generator.latentShape(8, 4)), labels: [{}, {}] };
    const { reward } = await asReward.run({ consistency, reference }, { by: 'loss' }, nodeContext().context);
    const inputs = { generator, rewards: [reward], seeds: [1, 2] };
    const ample = nodeContext({ freeBytes: () => 1e9 });
    await runReno(inputs, { evaluations: 2, batch: 0 }, () => expect(generator.batches).toEqual([1, 2, 2]), ample);
    reward.dispose();
    reference.pixels.dispose();
  });

  it('hands over the best so far where it is cancelled on the way, and frees everything', async () => {
    const stop = new AbortController();
    const context = nodeContext({ signal: stop.signal, onProgress: (fraction) => fraction > 0.5 && stop.abort() });
    const inputs = { generator: stripeGenerator(), rewards: [brightness], seeds: [3, 4] };
    await expect(runReno(inputs, {}, () => {}, context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(context.saved.map(({ name, label }) => [name, label])).toEqual([
      ['best-so-far-1.png', { prompt: 'bright', seed: 3 }],
      ['best-so-far-2.png', { prompt: 'bright', seed: 4 }],
    ]);
  });
});

describe('ReNO on a model with random weights', async () => {
  let generator: Generator;
  let tensors = 0;
  beforeAll(async () => {
    await openTestDevice();
    tensors = memory().numTensors;
    generator = await loadGenerator(files, goldenFolder('tiny-sd-turbo'));
    await runReno({ generator, rewards: [colourful] }, { evaluations: 1 }, () => {}); // the prompt's features are remembered
  });
  afterAll(() => {
    generator.dispose();
    expect(memory().numTensors).toBe(tensors);
  });
  guardLeaks();
  const { reward: colourful } = await colourfulness.run({}, {}, nodeContext().context);

  it('makes the first image more colourful, and its noise gives the best image again', async () => {
    await runReno(
      { generator, rewards: [colourful], seeds: [3, 4] },
      {},
      async ({ noise, images, scores, firstScores }) => {
        for (const row of [0, 1]) expect(scores.values[row]![0]).toBeGreaterThan(firstScores.values[row]![0]! + 1);
        const again = await sample.run(
          { generator, noise, prompt: 'bright', expandedPrompt: undefined, conditions: [] },
          { ...params, originalWeight: 5, expandedWeight: 5, batch: 4 },
          nodeContext().context,
        );
        const [got, wanted] = [await valuesOf(again.images), await valuesOf(images)];
        expect(Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(1e-5);
        dispose(again.images.pixels);
      },
    );
  });

  it('draws the same noise in each evaluation of a stochastic sampler', async () => {
    const still = { scheduler: 'euler-ancestral', steps: 3, learningRate: 0 } as const;
    await runReno({ generator, rewards: [colourful] }, still, ({ trace }) => {
      const totals = trace.values[0]!.map(([total]) => total);
      expect(new Set(totals).size).toBe(1);
    });
  });

  it('looks through a tiny decoder, and gives out images in full', async () => {
    const context = nodeContext({ files });
    const swapped = await swapDecoder.run({ generator }, { model: `${goldenFolder('taesd')}/tiny` }, context.context);
    const lookThrough = swapped.generator;
    await runReno({ generator, rewards: [colourful], lookThrough }, {}, async ({ noise, images, scores, trace }) => {
      const again = await sample.run(
        { generator, noise, prompt: 'bright', expandedPrompt: undefined, conditions: [] },
        { ...params, originalWeight: 5, expandedWeight: 5, batch: 4 },
        nodeContext().context,
      );
      expect(await valuesOf(again.images)).toEqual(await valuesOf(images));
      const score = colourful.score(images.pixels, []);
      expect((await score.data())[0]).toBe(scores.values[0]![0]);
      expect(trace.values[0]![trace.kept[0]!]![0]).not.toBeCloseTo(scores.values[0]![0]!, 1); // another decoder
      dispose([again.images.pixels, score]);
    });
    lookThrough.dispose();
  });
});
