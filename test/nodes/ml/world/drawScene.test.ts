import { describe, expect, it } from 'vitest';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { SCENE_SIZE, type Scene, type SceneObject } from '../../../../nodes/ml/world/scene.ts';
import { shapes } from '../../../../nodes/ml/world/words.ts';

const object = (fields: Partial<SceneObject>): SceneObject => ({
  shape: 'circle',
  colour: 'red',
  x: 32,
  y: 32,
  radius: 16,
  angle: 0,
  tint: [0, 0, 0],
  ...fields,
});
const scene = (...objects: SceneObject[]): Scene => ({
  task: 'single',
  caption: '',
  background: 'grey',
  backgroundTint: [0, 0, 0],
  objects,
});

/** How much of the image an object covers, in pixels, read off the red channel. */
function area(of: SceneObject): number {
  const pixels = drawScene(scene(of));
  const [ground, colour] = [140 / 255, 220 / 255];
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += (pixels[i]! - ground) / (colour - ground);
  return sum;
}

describe('drawScene', () => {
  it('covers the area that geometry says', () => {
    const r = 16;
    expect(area(object({ shape: 'circle' }))).toBeCloseTo(Math.PI * r * r, -1);
    expect(area(object({ shape: 'square' }))).toBeCloseTo((2 * 0.86 * r) ** 2, -1);
    expect(area(object({ shape: 'ring' }))).toBeCloseTo(Math.PI * r * r * (1 - 0.52 ** 2), -1);
    expect(area(object({ shape: 'triangle' }))).toBeCloseTo((3 * Math.sqrt(3) * (1.08 * r) ** 2) / 4, -1);
    expect(area(object({ shape: 'cross' }))).toBeCloseTo(2 * 4 * 0.31 * r * r - (0.62 * r) ** 2, -1);
    expect(area(object({ shape: 'star' }))).toBeCloseTo(5 * 1.05 * r * 0.45 * r * Math.sin(Math.PI / 5), -1);
  });

  it.each(shapes)('turns and moves a %s without changing its area by more than 3 %%', (shape) => {
    const still = area(object({ shape }));
    const moved = area(object({ shape, x: 30.3, y: 33.7, angle: 0.15 }));
    expect(Math.abs(moved - still) / still).toBeLessThan(0.03);
  });

  it('stays in [0, 1] and writes only its own image', () => {
    const both = new Float32Array(2 * SCENE_SIZE * SCENE_SIZE * 3).fill(-1);
    drawScene(scene(object({ colour: 'white', tint: [10, 10, 10] })), both, SCENE_SIZE * SCENE_SIZE * 3);
    expect(both.slice(0, SCENE_SIZE * SCENE_SIZE * 3).every((value) => value === -1)).toBe(true);
    expect(both.slice(SCENE_SIZE * SCENE_SIZE * 3).every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});
