import { beforeAll, describe, expect, it } from 'vitest';
import { dispose } from '../../../nodes/ml/tf.ts';
import { population } from '../../../nodes/optimise/population.ts';
import { rankSgd } from '../../../nodes/optimise/rankSgd.ts';
import { spsa } from '../../../nodes/optimise/spsa.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { sampling, stripeGenerator } from '../../support/stripeGenerator.ts';

const shared = {
  ...sampling,
  batch: 8,
  seed: 10,
  keep: 2,
  width: 0,
  height: 0,
  whenHacking: 'say so',
  patience: 10,
} as const;
const generator = { ...stripeGenerator(), differentiable: false };
const reward = { ...brightness, differentiable: false };
const inputs = { generator, prompt: 'bright', rewards: [reward], watch: [], conditions: [] };
const { context } = nodeContext();

const ranking = { rounds: 12, queries: 6, ranked: 3, smoothing: 0.2 };
const decays = { sphere: 0, offset: 1, stepDecay: 0.4, perturbationDecay: 0.1 };

describe('searches without gradients', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it.each([
    [
      'ZO-RankSGD',
      () => rankSgd.run(inputs, { ...shared, ...ranking, step: 'length', stepSize: 0.5, sphere: false }, context),
      25,
    ],
    [
      "ZO-RankSGD with the paper's step",
      () => rankSgd.run(inputs, { ...shared, ...ranking, step: 'estimate', stepSize: 2, sphere: true }, context),
      25,
    ],
    [
      'SPSA',
      () =>
        spsa.run(
          inputs,
          { ...shared, iterations: 20, pairs: 4, block: 2, stepSize: 4, perturbation: 0.2, momentum: 0.9, ...decays },
          context,
        ),
      21,
    ],
    [
      'a population',
      () => population.run(inputs, { ...shared, rounds: 20, members: 8, reach: 0.3, interval: 3 }, context),
      21,
    ],
  ] as const)('%s finds brighter images than it began with', async (_name, run, rounds) => {
    const { images, noise, scores, trace } = await run();
    const rows = trace.values[0]!;
    expect(rows).toHaveLength(rounds);
    expect(rows.at(-1)![2]! - rows[0]![0]!).toBeGreaterThan(0.1); // best total - mean of the first round
    expect(scores.values[0]![0]).toBeCloseTo(rows.at(-1)![2]!, 6);
    const again = brightness.score(images.pixels, []);
    expect((await again.data())[0]).toBeCloseTo(scores.values[0]![0]!, 5);
    expect(noise.latents.shape).toEqual([2, 4, 8, 3]);
    dispose([images.pixels, noise.latents, again]);
  });

  it('of saved graphs go on as they did', () => {
    expect(rankSgd.upgrades?.[1]?.({ rounds: 3 })).toEqual({ rounds: 3, step: 'length', stepSize: 0.5, sphere: false });
    expect(rankSgd.upgrades?.[1]?.({ stepSize: 2 })).toMatchObject({ stepSize: 2, step: 'length' });
    expect(spsa.upgrades?.[1]?.({ pairs: 3 })).toEqual({ pairs: 3, sphere: 0 });
  });

  it('refuse to rank all queries', async () => {
    const params = {
      ...shared,
      ...ranking,
      queries: 4,
      ranked: 4,
      step: 'estimate',
      stepSize: 2,
      sphere: true,
    } as const;
    await expect(rankSgd.run(inputs, params, context)).rejects.toMatchObject({ code: 'BAD_PARAM' });
  });
});
