import { bestOfK } from '../../../nodes/generate/bestOfK.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose } from '../../../nodes/ml/tf.ts';
import { fkSteering } from '../../../nodes/optimise/fkSteering.ts';
import { prune } from '../../../nodes/optimise/prune.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { alone, best, type Method, noiseOf, type Tools } from './methods.ts';
import { type changedParams, paramsOf } from './paramsOf.ts';

/** How many images each draws side by side. */
const images = 8;
/** Candidates that cost about as many calls of the model where half of them are dropped after 7 and after 14 of 20 steps. */
const candidates = 13;

/** Next latents in each step after the fourth, which cost about as many calls of the model. */
const k = 10;

/** Methods that choose among images while they are drawn, beside the best of as many images as their calls could draw. */
export function steeredMethods(tools: Tools): Record<string, Method> {
  const first = tools.ensemble.slice(0, 1);
  return {
    [`best of ${images}`]: best(tools, first, () => images),
    [`FK, ${images} particles`]: steer(tools, first),
    [`prune ${candidates}`]: pruneMost(tools, first),
    [`best of ${k} steps`]: chooseSteps(tools, first),
  };
}

/** Feynman-Kac steering; its noise is that of the seed with which the best particle began. */
const steer = (
  { generator, steps, batch, context }: Tools,
  rewards: readonly Reward[],
  changed: ReturnType<typeof changedParams<typeof fkSteering.params>> = {},
): Method =>
  alone(rewards, async ({ prompt, seed }) => {
    const params = paramsOf(fkSteering, { seed, particles: images, steps, batch, ...changed });
    const inputs = { generator, prompt, rewards: [...rewards], watch: [], conditions: [] };
    const made = await fkSteering.run(inputs, params, context);
    const seeds = made.images.labels.map((label) => label.seed!);
    const { width, height } = generator.defaults;
    return { images: made.images, noise: { latents: latentNoise(seeds, generator.latentShape(width, height)), seeds } };
  });

const pruneMost = ({ generator, steps, batch, context }: Tools, rewards: readonly Reward[]): Method =>
  alone(rewards, async ({ prompt, seed }) => {
    const params = paramsOf(prune, { seed, candidates, steps, batch });
    const inputs = { generator, prompt, rewards: [...rewards], watch: [], conditions: [], statistics: undefined };
    const { images: best, noise, dropped } = await prune.run(inputs, params, context);
    dispose(dropped.map(({ pixels }) => pixels));
    return { images: best, noise };
  });

const chooseSteps = ({ generator, steps, batch, context }: Tools, rewards: readonly Reward[]): Method =>
  alone(rewards, async ({ prompt, seed }) => {
    const noise = noiseOf([seed], generator);
    const params = paramsOf(bestOfK, { k, steps, batch });
    const inputs = { generator, noise, prompt, rewards: [...rewards], watch: [], conditions: [] };
    return { images: (await bestOfK.run(inputs, params, context)).images, noise };
  });
