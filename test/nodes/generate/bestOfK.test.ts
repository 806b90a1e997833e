import { beforeAll, describe, expect, it } from 'vitest';
import { bestOfK } from '../../../nodes/generate/bestOfK.ts';
import { sample } from '../../../nodes/generate/sample.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, mean, type Tensor4D, tensor1d, tidy, zeros } from '../../../nodes/ml/tf.ts';
import type { Condition, ControlNet, Noise, Reward } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { rowGenerator } from '../../support/rowGenerator.ts';

const params = {
  scheduler: 'ddim',
  schedule: 'model',
  timesteps: '',
  steps: 8,
  guidanceScale: -1,
  eta: 1,
  negativePrompt: '',
  batch: 6,
  k: 3,
  startStep: 2,
  endStep: 0,
  temperature: 0,
} as const;
const seeds = Array.from({ length: 16 }, (_, i) => 30 + i);
type Params = { [Name in keyof typeof params]: (typeof params)[Name] extends number ? number : (typeof params)[Name] };

describe('best of k steps', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  const inputs = () => ({
    generator: rowGenerator(),
    prompt: 'bright',
    rewards: [brightness],
    watch: [],
    conditions: [],
  });
  async function run(
    some: Partial<Params> & { scheduler?: never } = {},
    own = inputs(),
    rows = seeds,
    context = nodeContext().context,
  ) {
    const noise: Noise = { latents: latentNoise(rows, [4, 4, 3]), seeds: rows };
    try {
      const made = await bestOfK.run({ ...own, noise }, { ...params, ...some }, context);
      const pixels = [...made.images.pixels.dataSync()];
      made.images.pixels.dispose();
      return { ...made, pixels, totals: made.scores.values.map(([score]) => score!) };
    } finally {
      noise.latents.dispose();
    }
  }
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('gives what Sample gives at k = 1, to the bit', async () => {
    const noise: Noise = { latents: latentNoise(seeds, [4, 4, 3]), seeds };
    const weights = { originalWeight: 1, expandedWeight: 1 };
    const plain = await sample.run(
      { ...inputs(), noise, expandedPrompt: undefined, statistics: undefined },
      { ...params, ...weights },
      nodeContext().context,
    );
    const own = await run({ k: 1 });
    expect(own.pixels).toEqual([...plain.images.pixels.dataSync()]);
    expect(own.images.labels).toEqual(plain.images.labels);
    expect(own.trace.values.every((table) => table.length === 0)).toBe(true);
    dispose([plain.images.pixels, noise.latents]);
  });

  it('ends at higher rewards the more candidates there are', async () => {
    const means = [];
    for (const k of [1, 2, 4, 8]) means.push(average((await run({ k })).totals));
    expect(means).toEqual([...means].sort((a, b) => a - b));
    expect(means[3]).toBeGreaterThan(means[0]! + 0.01);
  });

  it('draws candidates from the start step to the end step, and says what was chosen', async () => {
    const own = inputs();
    const { trace } = await run({ endStep: 5 }, own, [30, 31, 32]);
    expect(own.generator.rows).toEqual([
      ...[2, 2, 2, 6, 6, 6, 2, 2], // two images at once, of six rows
      ...[1, 1, 1, 3, 3, 3, 1, 1],
    ]);
    const column = (name: string) => trace.columns.findIndex((each) => each.name === name);
    expect(trace.values).toHaveLength(3);
    for (const table of trace.values) {
      expect(table.map((row) => row[column('step')])).toEqual([4, 5, 6]);
      expect(table.map((row) => row[column('rank')])).toEqual([1, 1, 1]);
      for (const row of table) {
        expect(row[0]).toBeGreaterThanOrEqual(row[column('mean of candidates')]!);
        expect([1, 2, 3]).toContain(row[column('chosen')]);
      }
    }
    expect(trace.values[2]!.at(-1)![column('model calls')]).toBe(28 + 12);
    expect(trace.values[2]!.at(-1)![column('decodes')]).toBe(18 + 2 + 9);
  });

  it('draws by temperature between the best and any, the same for a seed whatever the batch', async () => {
    const ranks = ({ trace }: Awaited<ReturnType<typeof run>>) => trace.values.flat().map((row) => row[3]!);
    expect(average(ranks(await run({ temperature: 1000 })))).toBeGreaterThan(1.6);
    const warm = await run({ temperature: 0.05 });
    expect(average(ranks(warm))).toBeLessThan(1.9);
    expect((await run({ temperature: 0.05, batch: 3 })).pixels).toEqual(warm.pixels);
  });

  const broken = (rows: number): Reward => ({
    ...brightness,
    name: 'broken',
    score(pixels: Tensor4D) {
      const means = tidy(() => mean(pixels, [1, 2, 3]));
      const scores = [...means.dataSync()];
      means.dispose();
      return tensor1d(scores.map((score, i) => (i < rows && scores.length > 1 ? Number.NaN : score)));
    },
  });

  it('never goes on with a candidate whose reward is no number, and says so', async () => {
    const own = { ...inputs(), rewards: [broken(1)] };
    const { trace } = await run({}, own, [30]);
    expect(trace.values[0]!.every((row) => row[2] !== 1)).toBe(true);
    expect(trace.remarks[0]).toBe(
      'In step 4 the reward "broken" gave NaN for 1 of 3 candidates of an image, and these were dropped.',
    );
    await expect(run({}, { ...inputs(), rewards: [broken(3)] }, [30])).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('for all 3 candidates of an image'),
    });
  });

  it('refuses a scheduler without noise, and remarks where no step has candidates', async () => {
    await expect(run({ eta: 0 })).rejects.toMatchObject({ code: 'BAD_PARAM', at: { param: 'scheduler' } });
    const { context, remarks } = nodeContext();
    await run({ startStep: 7 }, inputs(), [30], context);
    expect(remarks).toEqual(['Candidates are drawn after step 7 up to step 8, and the run has 8: none are.']);
  });

  it('refuses condition images that are neither one nor one a noise', async () => {
    const image: Tensor4D = zeros([2, 4, 4, 3]);
    const conditions: Condition[] = [{ controlnet: {} as ControlNet, image, scale: 1, start: 0, end: 1 }];
    await expect(run({}, { ...inputs(), conditions: conditions as never }, [30, 31, 32])).rejects.toMatchObject({
      code: 'ROWS_DIFFER',
      message: expect.stringContaining('a batch of 2 images, but 3 are to be drawn'),
    });
    image.dispose();
  });

  it('frees everything when it is cancelled', async () => {
    for (const at of [0, 0.3, 0.8]) {
      const stop = new AbortController();
      const { context } = nodeContext({
        signal: stop.signal,
        onProgress: (fraction) => fraction >= at && stop.abort(),
      });
      await expect(run({}, inputs(), [30, 31, 32], context)).rejects.toMatchObject({ name: 'AbortError' });
    }
  });
});
