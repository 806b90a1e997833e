import { asReward } from '../../../nodes/consistency/asReward.ts';
import type { NodeContext } from '../../../nodes/defineNode.ts';
import { mapRmse, nearestAtOne } from '../../../nodes/ml/condition/depthMaps.ts';
import { meanIoU, readLabels } from '../../../nodes/ml/condition/labelMaps.ts';
import { multiScaleSsim } from '../../../nodes/ml/condition/multiScaleSsim.ts';
import { randomStream } from '../../../nodes/ml/random.ts';
import { concat, mean, type Tensor1D, type Tensor4D, tensor4d, tidy } from '../../../nodes/ml/tf.ts';
import {
  type ConditionKind,
  conditionImage,
  conditionKinds,
  seenConditionImage,
} from '../../../nodes/ml/world/conditionImage.ts';
import { detectObjects } from '../../../nodes/ml/world/detectObjects.ts';
import { SCENE_SIZE, type Scene, sampleScene } from '../../../nodes/ml/world/scene.ts';
import { shapes, tasks } from '../../../nodes/ml/world/words.ts';
import type { Condition, Consistency, ControlNet, Reward } from '../../../nodes/ports.ts';
import { drawEach, optimiseEach, type Tools } from './methods.ts';
import { paramsOf } from './paramsOf.ts';
import { type Method, type Outcome, seedsEach, type Trial } from './trial.ts';

/** A prompt with the condition image of a scene that it describes. */
export interface ConditionTrial extends Trial {
  readonly kind: ConditionKind;
  readonly scene: Scene;
}

/** A line of consistency.jsonl. */
export interface ConditionResult extends Outcome {
  readonly kind: ConditionKind;
  /** By the metric of the kind, see `keeps`. */
  readonly value: number;
}

/** Scenes of all tasks in turn, each once with every kind of condition. */
export function conditionTrialsOf(scenesPerTask: number): ConditionTrial[] {
  const random = randomStream(81_920);
  const scenes = Array.from({ length: scenesPerTask * tasks.length }, (_, i) =>
    sampleScene(random, tasks[i % tasks.length]),
  );
  return conditionKinds.flatMap((kind) =>
    scenes.map((scene, i) => ({ kind, scene, task: scene.task, prompt: scene.caption, seed: seedsEach * i })),
  );
}

/**
 * How well an image keeps to a condition, by what the exact judge sees in it: mIoU of classes, SSIM of edges, RMSE of depth.
 * No network that gives rewards has a part in it.
 */
export async function keeps(kind: ConditionKind, pixels: Float32Array, scene: Scene): Promise<number> {
  const toTensor = (values: Float32Array) => tensor4d(values, [1, SCENE_SIZE, SCENE_SIZE, 3]);
  const value = tidy((): Tensor1D => {
    const seen = toTensor(seenConditionImage(kind, detectObjects(pixels)));
    return metrics[kind](seen, toTensor(conditionImage(kind, scene)));
  });
  try {
    return (await value.data())[0]!;
  } finally {
    value.dispose();
  }
}

const grey = (image: Tensor4D): Tensor4D => mean(image, 3, true);
const metrics: Record<ConditionKind, (seen: Tensor4D, condition: Tensor4D) => Tensor1D> = {
  segmentation: (seen, condition) =>
    meanIoU(readLabels(seen, shapes.length + 1), readLabels(condition, shapes.length + 1)),
  edges: (seen, condition) => multiScaleSsim(grey(seen), grey(condition)),
  depth: (seen, condition) => mapRmse(nearestAtOne(grey(seen)), nearestAtOne(grey(condition))),
};

export interface ConditionTools extends Pick<Tools, 'generator' | 'steps' | 'renoParams' | 'budget' | 'batch'> {
  readonly context: NodeContext;
  readonly consistencies: Readonly<Record<ConditionKind, Consistency>>;
  /** ControlNets by how their rows are called; none where there is none. */
  readonly controlnets: Readonly<Record<string, ControlNet>>;
}

/** The methods, with each ControlNet and without; the first is the base. */
export function conditionMethodsOf(tools: ConditionTools): Readonly<Record<string, Method<ConditionTrial>>> {
  const without = methodsWith(tools, undefined);
  const withEach = Object.entries(tools.controlnets).map(([name, controlnet]) =>
    Object.entries(methodsWith(tools, controlnet)).map(([way, method]) => [`${name}${way}`, method] as const),
  );
  const bare = Object.entries(without).map(([way, method]) => [`no ControlNet${way}`, method] as const);
  return Object.fromEntries([...bare, ...withEach.flat()]);
}

function methodsWith(
  tools: ConditionTools,
  controlnet: ControlNet | undefined,
): Record<string, Method<ConditionTrial>> {
  const { consistencies } = tools;
  const method = (make: (given: Steered) => ReturnType<Method['make']>): Method<ConditionTrial> => ({
    together: true,
    optimises: [],
    async make(trials) {
      const { kind } = trials[0]!;
      const image: Tensor4D = tidy(() =>
        concat(
          trials.map(({ scene }) => tensor4d(conditionImage(kind, scene), [1, SCENE_SIZE, SCENE_SIZE, 3])),
          0,
        ),
      );
      const conditions = controlnet ? [{ controlnet, image, scale: 1, start: 0, end: 1 }] : [];
      try {
        return await make({ trials, image, conditions, consistency: consistencies[kind] });
      } finally {
        image.dispose();
      }
    },
  });
  const maxTimestep = tools.steps < 10 ? 1000 : 200; // few steps pass by the last 200 timesteps
  return {
    '': method(({ trials, conditions }) => drawEach(trials, tools, { conditions })),
    ' + consistency reward': method(async ({ trials, image, conditions, consistency }) => {
      const labels = trials.map(() => ({}));
      const inputs = { consistency, reference: { pixels: image, labels } };
      const { reward } = asReward.run(inputs, paramsOf(asReward, {}), tools.context) as { reward: Reward };
      try {
        return await optimiseEach(trials, [reward], tools, { conditions });
      } finally {
        reward.dispose();
      }
    }),
    ' + guidance': method(({ trials, image, conditions, consistency }) => {
      const guidance = { consistency, image, scale: 0.3, maxTimestep };
      return drawEach(trials, tools, { conditions, guidance });
    }),
  };
}

interface Steered {
  readonly trials: readonly Trial[];
  readonly image: Tensor4D;
  readonly conditions: readonly Condition[];
  readonly consistency: Consistency;
}
