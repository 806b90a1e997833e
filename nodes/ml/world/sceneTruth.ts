import type { DetectedObject } from './detectObjects.ts';
import { type Judgement, judgeObjects } from './judgeImage.ts';
import { type PromptClauses, parsePrompt } from './parsePrompt.ts';
import type { Scene } from './scene.ts';

/**
 * How far each caption is true of each scene, [scenes][captions], known without looking at an image; by GenEval's rules
 * and, where a caption names a background, by that too.
 */
export function sceneTruth(scenes: readonly Scene[], captions: readonly string[]): Judgement[][] {
  const known = new Map<string, PromptClauses>();
  for (const caption of captions) if (!known.has(caption)) known.set(caption, parsePrompt(caption));
  return scenes.map((scene) => {
    const objects = listObjects(scene);
    return captions.map((caption) => {
      const clauses = known.get(caption)!;
      const judged = judgeObjects(objects, clauses);
      if (clauses.background === undefined || clauses.background === scene.background) return judged;
      const reason = `expected a ${clauses.background} background, found ${scene.background}`;
      return { correct: false, reasons: [...judged.reasons, reason], satisfied: 0.75 * judged.satisfied };
    });
  });
}

/** The objects of a scene as a detector would see them that is never wrong. */
function listObjects({ objects }: Scene): DetectedObject[] {
  return objects.map(({ shape, colour, x, y, radius }) => ({
    shape,
    colour,
    box: [x - radius, y - radius, x + radius, y + radius],
    centre: [x, y],
    area: radius * radius,
    confidence: 1,
  }));
}
