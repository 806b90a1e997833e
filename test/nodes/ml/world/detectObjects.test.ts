import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { detectObjects } from '../../../../nodes/ml/world/detectObjects.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { type SceneObject, sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { sceneLabels } from '../../../../nodes/ml/world/sceneLabels.ts';
import { type Background, colourNames, shapes } from '../../../../nodes/ml/world/words.ts';

const draw = (objects: readonly Partial<SceneObject>[], background: Background = 'grey') =>
  drawScene({
    task: 'single',
    caption: '',
    background,
    backgroundTint: [0, 0, 0],
    objects: objects.map((fields) => ({
      shape: 'circle',
      colour: 'red',
      x: 32,
      y: 32,
      radius: 12,
      angle: 0,
      tint: [0, 0, 0],
      ...fields,
    })),
  });
const seen = (pixels: ArrayLike<number>) =>
  detectObjects(pixels)
    .map(({ colour, shape }) => `${colour} ${shape}`)
    .sort();

describe('detectObjects', () => {
  it.each(shapes)('finds a %s at every angle, in every colour, small and large', (shape) => {
    for (const [i, colour] of colourNames.entries())
      for (const radius of [8.5, 18]) {
        const background = colour === 'white' ? 'dark' : 'light';
        expect(seen(draw([{ shape, colour, radius, angle: i * 0.7 }], background))).toEqual([`${colour} ${shape}`]);
      }
  });

  it('measures boxes, centres and areas like the labels, to a pixel', () => {
    const random = randomStream(2);
    for (let i = 0; i < 30; i++) {
      const scene = sampleScene(random, 'counting');
      const truth = sceneLabels(scene);
      const found = detectObjects(drawScene(scene));
      expect(found).toHaveLength(truth.objects.length);
      for (const { box, centre, area } of found) {
        const nearest = truth.objects.reduce((best, other) =>
          distance(other.centre, centre) < distance(best.centre, centre) ? other : best,
        );
        for (const side of [0, 1, 2, 3]) expect(Math.abs(box[side]! - nearest.box[side]!)).toBeLessThanOrEqual(1);
        const pixels = truth.masks.filter((value) => value === truth.objects.indexOf(nearest) + 1).length;
        expect(Math.abs(area / pixels - 1)).toBeLessThan(0.06);
      }
    }
  });

  it('takes apart objects that touch, of one colour or of two', () => {
    const left = { x: 20, radius: 10 };
    const right = { x: 40, radius: 10 };
    expect(seen(draw([left, right]))).toEqual(['red circle', 'red circle']);
    expect(seen(draw([left, { ...right, colour: 'blue' }]))).toEqual(['blue circle', 'red circle']);
    expect(seen(draw([left, { ...right, shape: 'square', x: 39 }]))).toEqual(['red circle', 'red square']);
    expect(
      seen(
        draw([
          { ...left, shape: 'star' },
          { ...right, shape: 'star' },
        ]),
      ),
    ).toEqual(['red star', 'red star']);
  });

  it('sees nothing on an empty image, in specks, and in a shape that is none', () => {
    expect(seen(draw([]))).toEqual([]);
    expect(seen(draw([{ radius: 3 }]))).toEqual([]);
    const bar = draw([]);
    for (let row = 30; row < 34; row++)
      for (let column = 8; column < 56; column++) bar.set([0.9, 0.1, 0.1], (row * 64 + column) * 3);
    expect(seen(bar)).toEqual([]);
  });

  it('refuses an image of another size', () => {
    expect(() => detectObjects(new Float32Array(32 * 32 * 3))).toThrow(expect.objectContaining({ code: 'BAD_SIZE' }));
  });
});

const distance = ([x, y]: readonly [number, number], [u, v]: readonly [number, number]) => Math.hypot(x - u, y - v);
