import type { Reward } from '../../../nodes/ports.ts';
import { combine } from '../../../nodes/reward/combine.ts';
import {
  best,
  draw,
  imagesInTime,
  learn,
  type Method,
  onCurve,
  optimise,
  searchThenOptimise,
  type Tools,
} from './methods.ts';
import { paramsOf } from './paramsOf.ts';
import { fixedShares, frontMethod, optimiseToFront, optimiseWeighted } from './populations.ts';
import { steeredMethods } from './steered.ts';

/** The ways to make one reward of an ensemble whose members are standardised; lambda is that of the source for optimising. */
const ways = { WCO: 'worst case', UWO: 'uncertainty-weighted' } as const;

function combined(way: keyof typeof ways, { ensemble, calibrations, context }: Tools): Reward {
  const pairs = ensemble.map(({ name }) => `${calibrations[name]!.mean} ${calibrations[name]!.deviation}`);
  const params = paramsOf(combine, { way: ways[way], lambda: 0.1, calibration: pairs.join(', ') });
  return (combine.run({ rewards: ensemble }, params, context) as { reward: Reward }).reward;
}

/**
 * What was decided on before any of it was measured: ReNO of few evaluations by the first reward, by all, and by all from three
 * noises; each beside the best of as many images, and beside the best of as many as its time allows.
 */
function preregistered(tools: Tools): Record<string, Method> {
  const { ensemble, budget } = tools;
  const few = Math.min(15, budget);
  const optimisers = [
    { name: `ReNO ${few}`, rewards: ensemble.slice(0, 1), starts: 1 },
    { name: `ReNO ${few}, all rewards`, rewards: ensemble, starts: 1 },
    { name: `ReNO 3 x ${few}, all rewards`, rewards: ensemble, starts: 3 },
  ];
  const rows = optimisers.flatMap(({ name, rewards, starts }): [string, Method][] => {
    const images = starts * few;
    const of = rewards.length > 1 ? ', all rewards' : '';
    const equalCalls = { method: `best of ${images}: calls of ${name}`, images };
    return [
      [
        name,
        onCurve(
          `ReNO${starts > 1 ? ` from ${starts} noises` : ''}${of}`,
          images,
          optimise({ ...tools, budget: few }, rewards, { starts }),
        ),
      ],
      [
        equalCalls.method,
        onCurve(
          `best of N${of}`,
          images,
          best(tools, rewards, () => images),
        ),
      ],
      [`best of N: time of ${name}`, best(tools, rewards, imagesInTime(tools, name, equalCalls))],
    ];
  });
  return Object.fromEntries(rows);
}

/** Where the curves of ReNO and of best of N begin, by the first reward. */
function curveStarts(tools: Tools): Record<string, Method> {
  const first = tools.ensemble.slice(0, 1);
  const few = Math.min(5, tools.budget);
  return {
    [`ReNO ${few}`]: onCurve('ReNO', few, optimise({ ...tools, budget: few }, first)),
    [`best of ${few}`]: onCurve(
      'best of N',
      few,
      best(tools, first, () => few),
    ),
  };
}

/** All methods, in the order in which a trial is given to them: the later ones ask what the earlier ones took. */
export function methodsOf(tools: Tools): Readonly<Record<string, Method>> {
  const { ensemble, budget, moreSteps } = tools;
  const first = ensemble.slice(0, 1);
  const inRenosTime = imagesInTime(tools, 'ReNO', { method: 'best of N, equal calls', images: budget });
  const together = (): Record<string, Method> => ({
    'ReNO, weighted sum': onCurve('ReNO, all rewards', budget, optimise(tools, ensemble)),
    'best of N, then ReNO': searchThenOptimise(tools),
    ...Object.fromEntries(
      (['WCO', 'UWO'] as const).map((way) => [
        `ReNO, ${way}`,
        optimise(tools, [combined(way, tools)], { members: ensemble }),
      ]),
    ),
    [frontMethod]: optimiseToFront(tools),
    ...Object.fromEntries(
      fixedShares(ensemble.length).map((shares) => [
        `weights ${shares.map((share) => share.toFixed(2)).join(':')}`,
        optimiseWeighted(tools, shares),
      ]),
    ),
  });
  return {
    'one sample': draw(tools),
    'more steps': draw({ ...tools, steps: moreSteps }),
    ...curveStarts(tools),
    ...preregistered(tools),
    'best of N, equal calls': onCurve(
      'best of N',
      budget,
      best(tools, first, () => budget),
    ),
    ReNO: onCurve('ReNO', budget, optimise(tools, first)),
    'best of N, equal time': best(tools, first, inRenosTime),
    'FIND, equal time': learn(tools, inRenosTime, 'best'),
    'FIND, a fresh image': learn(tools, inRenosTime, 'fresh'),
    ...steeredMethods(tools),
    ...(ensemble.length > 1 ? together() : {}),
  };
}
