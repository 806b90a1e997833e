import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { SCENE_SIZE, sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { edgeMap, findBox, objectCoverage, sceneLabels } from '../../../../nodes/ml/world/sceneLabels.ts';
import { tasks } from '../../../../nodes/ml/world/words.ts';

const square = { shape: 'square', colour: 'red', x: 32, y: 30, radius: 10, angle: 0, tint: [0, 0, 0] } as const;
const scenes = (count: number) => {
  const random = randomStream(11);
  return Array.from({ length: count }, (_, i) => sampleScene(random, tasks[i % 6]));
};

describe('sceneLabels', () => {
  it('measures coverage, mask, box and edges of a square exactly', () => {
    // Half side 8.6: covers [23.4, 40.6] x [21.4, 38.6].
    const coverage = objectCoverage(square);
    expect(coverage.reduce((sum, value) => sum + value, 0)).toBeCloseTo(17.2 ** 2, -0.5);
    expect(coverage[30 * SCENE_SIZE + 32]).toBe(1);
    expect(coverage[0]).toBe(0);
    const labels = sceneLabels({
      task: 'single',
      caption: '',
      background: 'grey',
      backgroundTint: [0, 0, 0],
      objects: [square],
    });
    expect(labels.objects[0]).toMatchObject({ box: [23, 21, 41, 39], centre: [32, 30], nearness: 0.5 });
    expect(labels.masks.reduce((sum, value) => sum + value, 0)).toBe(18 * 18);
    expect(labels.edges.reduce((sum, value) => sum + value, 0)).toBe(4 * 18 - 4);
    expect(labels.depth[30 * SCENE_SIZE + 32]).toBe(0.5);
    expect(labels.depth[0]).toBe(0);
  });

  it('gives every object a mask inside its box, an unbroken numbering and depths in (0, 1]', () => {
    for (const scene of scenes(60)) {
      const { objects, masks, depth } = sceneLabels(scene);
      expect([...new Set(masks)].sort()).toEqual([0, ...objects.map((_, i) => i + 1)]);
      for (const [i, { box, radius, centre, nearness }] of objects.entries()) {
        expect(box).toEqual(findBox(masks, (value) => value === i + 1));
        expect(box[2] - box[0]).toBeLessThanOrEqual(2 * 1.09 * radius + 2);
        expect(masks.filter((value) => value === i + 1).length).toBeGreaterThan(radius ** 2);
        const pixel = masks.indexOf(i + 1);
        expect(depth[pixel]).toBeCloseTo(nearness, 6);
        expect(nearness).toBeGreaterThan(0);
        expect(Math.abs((box[0] + box[2]) / 2 - centre[0])).toBeLessThan(0.3 * radius);
      }
      expect(depth.every((value, pixel) => value > 0 === masks[pixel]! > 0 && value <= 1)).toBe(true);
    }
  });

  it('puts edges on objects only, and on those at the border of the image too', () => {
    const full = new Uint8Array(SCENE_SIZE * SCENE_SIZE).fill(1);
    expect(edgeMap(full).reduce((sum, value) => sum + value, 0)).toBe(4 * SCENE_SIZE - 4);
    expect(findBox(new Uint8Array(SCENE_SIZE * SCENE_SIZE), (value) => value === 1)).toEqual([0, 0, 0, 0]);
  });
});
