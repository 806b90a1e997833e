import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { conditionImage, conditionKinds, seenConditionImage } from '../../../../nodes/ml/world/conditionImage.ts';
import { detectObjects } from '../../../../nodes/ml/world/detectObjects.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { tasks } from '../../../../nodes/ml/world/words.ts';

describe('the condition image of what is seen', () => {
  it.each(conditionKinds)('%s is nearly the exact one where the image is exact', (kind) => {
    const random = randomStream(5);
    const errors = Array.from({ length: 18 }, (_, i) => {
      const scene = sampleScene(random, tasks[i % 6]);
      const seen = seenConditionImage(kind, detectObjects(drawScene(scene)));
      const exact = conditionImage(kind, scene);
      return seen.reduce((sum, value, k) => sum + Math.abs(value - exact[k]!), 0) / exact.length;
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    expect(mean).toBeLessThan(0.005);
  });

  it.each(conditionKinds)('%s is black where nothing is seen', (kind) => {
    expect(seenConditionImage(kind, []).every((value) => value === 0)).toBe(true);
  });
});
