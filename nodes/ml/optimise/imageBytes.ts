import { sliceRequest } from '../diffusion/sampleImages.ts';
import { dispose } from '../tf.ts';
import { evaluateWithGradient } from './evaluate.ts';
import type { ObjectiveParts } from './objective.ts';
import { peakBytes } from './peakBytes.ts';
import { readWeights } from './rewardWeights.ts';
import { createObjective, type VariableSettings } from './variables.ts';

/** The most bytes that optimising one image takes, found by one evaluation of the first image. Throws as `createObjective`. */
export async function measureImageBytes(parts: ObjectiveParts, settings: VariableSettings): Promise<number> {
  const part = sliceRequest(parts.request, 0, 1);
  try {
    return await peakBytes(() => {
      const objective = createObjective({ ...parts, request: part.request }, settings);
      try {
        const { evaluate, start, rewards } = objective;
        const { pixels, scores, gradient } = evaluateWithGradient(start, evaluate, readWeights(rewards));
        dispose([pixels, ...scores, gradient]);
      } finally {
        objective.dispose?.();
      }
    });
  } finally {
    dispose(part.tensors);
  }
}
