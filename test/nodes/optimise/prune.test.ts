import { beforeAll, describe, expect, it } from 'vitest';
import { splitClauses } from '../../../nodes/ml/optimise/reflect.ts';
import { dispose, mean, ones, type Tensor4D, tensor1d, tidy, zeros } from '../../../nodes/ml/tf.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import { prune } from '../../../nodes/optimise/prune.ts';
import type { Condition, ControlNet, Reward, SampleRequest } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { rowGenerator } from '../../support/rowGenerator.ts';

const params = {
  scheduler: 'model',
  schedule: 'model',
  timesteps: '',
  steps: 10,
  guidanceScale: -1,
  eta: 0,
  negativePrompt: '',
  batch: 3,
  seed: 20,
  candidates: 8,
  keep: 3,
  keepShare: 0.5,
  judgements: 2,
  clearAt: 0.3,
  minimum: -1_000_000,
  judge: 'estimate',
  hindsightSteps: 2,
  reflections: 0,
  accept: 1_000_000,
  width: 0,
  height: 0,
} as const;
const inputs = () => ({
  generator: rowGenerator(),
  prompt: 'a bright day, a dark night',
  rewards: [brightness],
  watch: [],
  conditions: [],
  statistics: undefined,
});
type Made = Awaited<ReturnType<typeof prune.run>>;
const free = ({ images, noise, dropped }: Made) =>
  dispose([images.pixels, noise.latents, ...dropped.map(({ pixels }) => pixels)]);
const column = ({ trace }: Made, name: string) =>
  trace.values[0]!.map((row) => row[trace.columns.findIndex((each) => each.name === name)]!);

describe('pruning', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('drops the worse half twice, whose rows leave the batch, and says what that saved', async () => {
    const { context, progress, remarks } = nodeContext();
    const given = inputs();
    const made = await prune.run(given, params, context);
    expect(column(made, 'alive')).toEqual([4, 2, 2]);
    expect(column(made, 'judged')).toEqual([8, 4, 2]);
    const [first, second] = column(made, 'step') as [number, number];
    expect(first).toBeGreaterThanOrEqual(3);
    expect(second).toBe(Math.ceil((first + 10) / 2));
    const calls = first * 8 + (second - first) * 4 + (10 - second) * 2;
    expect(given.generator.rows.reduce((sum, rows) => sum + rows, 0)).toBe(calls);
    expect(column(made, 'model calls').at(-1)).toBe(calls);
    expect(made.trace.remarks.at(-1)).toMatch(
      `6 of 8 candidates were dropped on the way: ${calls} calls of the model in place of 80`,
    );
    const [gone] = made.dropped;
    expect(gone!.labels).toHaveLength(6);
    expect(gone!.labels.map(({ name }) => name)).toContain(`dropped in step ${first}`);
    const seeds = made.images.labels.map(({ seed }) => seed!);
    expect(seeds).toHaveLength(2);
    expect(gone!.labels.filter(({ seed }) => seeds.includes(seed!))).toEqual([]);
    expect(made.noise.seeds).toEqual(seeds);
    expect(made.scores.values[0]![0]).toBeGreaterThanOrEqual(made.scores.values[1]![0]!);
    expect(progress.some(({ figures }) => figures)).toBe(true);
    expect(remarks).toEqual([]);
    free(made);
  });

  it.each([
    { batch: 3, eta: 0 },
    { batch: 8, eta: 1 },
  ])('gives best of N to the bit where all go on: batch $batch, eta $eta', async (some) => {
    const settings = { ...params, ...some, keepShare: 1 };
    const made = await prune.run(inputs(), settings, nodeContext().context);
    const best = await bestOfN.run(inputs(), settings, nodeContext().context);
    expect(made.dropped).toEqual([]);
    expect(made.scores).toEqual(best.scores);
    expect(made.images.labels).toEqual(best.images.labels);
    expect(made.noise.seeds).toEqual(best.noise.seeds);
    expect(made.images.pixels.dataSync()).toEqual(best.images.pixels.dataSync());
    expect(made.noise.latents.dataSync()).toEqual(best.noise.latents.dataSync());
    expect(made.trace.remarks.at(-1)).toContain('That saved none.');
    free(made);
    dispose([best.images.pixels, best.noise.latents]);
  });

  it('drops what is below the minimum, and lets the best of all go on where that would be every one', async () => {
    const high = await prune.run(inputs(), { ...params, keepShare: 1, minimum: 5 }, nodeContext().context);
    expect(high.images.labels).toHaveLength(1);
    expect(high.trace.remarks[0]).toMatch(/all candidates were below 5, and the best of them went on\.$/);
    const middle = high.scores.values[0]![0]! - 0.02;
    const some = await prune.run(inputs(), { ...params, keepShare: 1, minimum: middle }, nodeContext().context);
    expect(some.images.labels.length).toBeLessThan(8);
    expect(some.scores.values[0]).toEqual(high.scores.values[0]);
    free(high);
    free(some);
  });

  it('judges in hindsight by a quick end of each run, which costs calls', async () => {
    const given = inputs();
    const made = await prune.run(given, { ...params, judge: 'hindsight', judgements: 1 }, nodeContext().context);
    const [step] = column(made, 'step') as [number];
    const calls = step * 8 + 8 * 2 + (10 - step) * 4;
    expect(column(made, 'model calls').at(-1)).toBe(calls);
    expect(given.generator.rows.reduce((sum, rows) => sum + rows, 0)).toBe(calls);
    expect(made.images.labels).toHaveLength(3);
    free(made);
    const refused = prune.run(inputs(), { ...params, scheduler: 'unipc', judge: 'hindsight' }, nodeContext().context);
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('draws on from what is not accepted, with the clause that it shows least, and keeps the better', async () => {
    const settings = { ...params, keep: 1, reflections: 2, accept: 0.999 };
    const wordy: Reward = {
      ...brightness,
      name: 'wordy',
      score: (pixels, prompts) =>
        tidy(() => {
          const light = [...mean(pixels, [1, 2, 3]).dataSync()];
          return tensor1d(light.map((value, i) => value - (prompts[i] === 'a dark night' ? 0.5 : 0)));
        }),
    };
    const plain = await prune.run(
      { ...inputs(), rewards: [wordy] },
      { ...settings, reflections: 0 },
      nodeContext().context,
    );
    const drawn = await prune.run({ ...inputs(), rewards: [wordy] }, settings, nodeContext().context);
    expect(drawn.scores.values[0]![0]).toBeGreaterThanOrEqual(plain.scores.values[0]![0]!);
    const said = drawn.trace.remarks.filter((remark) => remark.includes('showed "a dark night" least'));
    expect(said).toHaveLength(2);
    const accepted = await prune.run(
      { ...inputs(), rewards: [wordy] },
      { ...settings, accept: 0.01 },
      nodeContext().context,
    );
    expect(accepted.trace.remarks).toHaveLength(1);
    for (const made of [plain, drawn, accepted]) free(made);
  });

  /** No number for the first rows of a batch, `rows` of them, from a call on. */
  const broken = (rows: number): Reward => ({
    ...brightness,
    name: 'broken',
    score(pixels: Tensor4D) {
      const means = tidy(() => mean(pixels, [1, 2, 3]));
      const scores = [...means.dataSync()];
      means.dispose();
      return tensor1d(scores.map((score, i) => (i < rows ? Number.NaN : score)));
    },
  });

  it('drops candidates whose reward is no number, and says so', async () => {
    const settings = { ...params, batch: 8, keepShare: 1, judgements: 1, keep: 8 };
    const made = await prune.run({ ...inputs(), rewards: [broken(1)] }, settings, nodeContext().context);
    expect(made.trace.remarks[0]).toMatch(
      /the reward "broken" gave NaN for 1 of 8 candidates, and these were dropped\.$/,
    );
    expect(made.dropped[0]!.labels.map(({ seed }) => seed)).toEqual([20]);
    expect(made.images.labels).toHaveLength(6); // one more at the end
    free(made);
    const all = prune.run({ ...inputs(), rewards: [broken(8)] }, settings, nodeContext().context);
    await expect(all).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('for all 8 candidates'),
    });
  });

  it('frees everything when it is cancelled', async () => {
    for (const at of [0, 0.3, 0.6, 0.9, 1]) {
      const stop = new AbortController();
      const { context } = nodeContext({
        signal: stop.signal,
        onProgress: (fraction) => fraction >= at && stop.abort(),
      });
      const run = prune.run(inputs(), { ...params, reflections: 1 }, context);
      await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    }
  });

  it('takes the rows of condition images and maps along, and draws nothing where reflections cannot', async () => {
    const given = inputs();
    const asked: (readonly number[])[] = [];
    const generator = {
      ...given.generator,
      denoise(request: SampleRequest) {
        const [{ image, map }] = request.conditions as [Condition];
        asked.push([request.noise.seeds.length, image.shape[0], map!.shape[0]]);
        return given.generator.denoise(request);
      },
    };
    const [image, map]: Tensor4D[] = [zeros([1, 4, 4, 3]), ones([8, 4, 4, 1])];
    const controlnet = {} as ControlNet; // which this generator does not call
    const conditions: Condition[] = [{ controlnet, image: image!, map: map!, scale: 1, start: 0, end: 1 }];
    const settings = { ...params, batch: 8, judge: 'hindsight' } as const;
    const own = { ...given, generator, conditions };
    free(await prune.run(own, settings, nodeContext().context));
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.some(([rows]) => rows! < 8)).toBe(true);
    expect(asked).toEqual(asked.map(([rows]) => [rows, 1, rows]));
    asked.length = 0;
    await expect(prune.run(own, { ...settings, reflections: 1 }, nodeContext().context)).rejects.toMatchObject({
      code: 'ROWS_DIFFER',
      message: expect.stringContaining('a batch of 8 images'),
      at: { port: 'conditions' },
    });
    expect(asked).toEqual([]);
    dispose([image!, map!]);
  });

  it('splits prompts into clauses', () => {
    expect(splitClauses('a red cat and a dog, sand with sun.')).toEqual(['a red cat', 'a dog', 'sand', 'sun']);
    expect(splitClauses('a cat')).toEqual(['a cat']);
    expect(splitClauses(' , ')).toEqual([' , ']);
  });
});
