import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { SCENE_SIZE, sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { captionWords, numbers, tasks } from '../../../../nodes/ml/world/words.ts';

const scenesOf = (task: (typeof tasks)[number], count: number) => {
  const random = randomStream(7);
  return Array.from({ length: count }, () => sampleScene(random, task));
};

describe('sampleScene', () => {
  it('repeats from a seed', () => {
    expect(scenesOf('two', 5)).toEqual(scenesOf('two', 5));
  });

  it.each(tasks)('keeps every object of %s inside the image and apart from the others', (task) => {
    for (const { objects } of scenesOf(task, 300))
      for (const [i, a] of objects.entries()) {
        for (const centre of [a.x, a.y]) {
          expect(centre - a.radius).toBeGreaterThanOrEqual(2);
          expect(centre + a.radius).toBeLessThanOrEqual(SCENE_SIZE - 2);
        }
        for (const b of objects.slice(0, i))
          expect(Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y))).toBeGreaterThan(a.radius + b.radius);
      }
  });

  it.each(tasks)('captions %s in words of the vocabulary', (task) => {
    const words = scenesOf(task, 300).flatMap(({ caption }) => caption.split(' '));
    expect(words.filter((word) => !captionWords.includes(word))).toEqual([]);
  });

  it('says what is drawn', () => {
    for (const { caption, objects } of scenesOf('counting', 200)) {
      const shape = objects[0]!.shape;
      expect(caption).toContain(`${numbers[objects.length as 2 | 3 | 4]} ${shape}`);
      expect(new Set(objects.map((object) => object.shape)).size).toBe(1);
    }
    for (const { caption, objects } of scenesOf('attribution', 200))
      for (const { colour, shape } of objects) expect(caption).toContain(`${colour} ${shape}`);
    for (const { caption, objects } of scenesOf('position', 200)) {
      const [a, b] = [objects[0]!, objects[1]!];
      const [, relation] = caption.match(/(left of|right of|above|below)/) ?? [];
      const holds = { 'left of': a.x < b.x, 'right of': a.x > b.x, above: a.y < b.y, below: a.y > b.y };
      expect(holds[relation as keyof typeof holds]).toBe(true);
      expect(caption.indexOf(a.shape)).toBeLessThan(caption.indexOf(b.shape));
    }
  });
});
