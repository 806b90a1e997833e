import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { classMap } from '../../../../nodes/ml/world/conditionImage.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { falseCaption } from '../../../../nodes/ml/world/falseCaption.ts';
import { parsePrompt } from '../../../../nodes/ml/world/parsePrompt.ts';
import { type Scene, sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { segmentedObjects, softSatisfaction } from '../../../../nodes/ml/world/segmentedObjects.ts';
import { shapes } from '../../../../nodes/ml/world/words.ts';

const classes = shapes.length + 1;

/** What a network would say that names every pixel right with a probability, and the background or a shape with the rest. */
function probabilitiesOf(scene: Scene, sure: number): Float32Array {
  const values = new Float32Array(64 * 64 * classes);
  for (const [pixel, each] of classMap(scene).entries()) {
    values[pixel * classes + each] = sure;
    values[pixel * classes + (each === 0 ? 1 : 0)] = 1 - sure;
  }
  return values;
}

const seen = (scene: Scene, sure = 1) => segmentedObjects(probabilitiesOf(scene, sure), drawScene(scene));

describe('objects that a segmentation network sees', () => {
  it('are those of the scene, with their shapes, colours and places', () => {
    const random = randomStream(12);
    for (let i = 0; i < 60; i++) {
      const scene = sampleScene(random);
      const found = seen(scene);
      expect(found).toHaveLength(scene.objects.length);
      for (const { shape, colour, x, y } of scene.objects) {
        const near = found.find(({ centre }) => Math.hypot(centre[0] - x, centre[1] - y) < 6);
        expect(near, scene.caption).toMatchObject({ shape, colour, confidence: 1 });
        expect(near!.colourShares[colour]).toBeGreaterThan(0.6);
      }
    }
  });

  it('count by how sure the network is, and specks do not', () => {
    const scene = sampleScene(randomStream(3), 'single');
    expect(seen(scene, 0.75)[0]!.confidence).toBeCloseTo(0.75, 5);
    const speck = new Float32Array(64 * 64 * classes);
    for (let pixel = 0; pixel < 39; pixel++) speck[pixel * classes + 2] = 1;
    expect(segmentedObjects(speck, drawScene(scene))).toEqual([]);
  });
});

describe('softSatisfaction', () => {
  it('is near 1 for a true caption of a clear image, and less for a false one', () => {
    const random = randomStream(13);
    for (let i = 0; i < 120; i++) {
      const scene = sampleScene(random);
      const objects = seen(scene);
      const own = softSatisfaction(objects, parsePrompt(scene.caption));
      expect(own, scene.caption).toBeGreaterThan(0.85);
      expect(softSatisfaction(objects, parsePrompt(falseCaption(scene, random))), scene.caption).toBeLessThan(own);
    }
  });

  it('grades by confidence: presence, exclusion, and place by the product of both', () => {
    const object = (shape: 'star' | 'ring', x: number, confidence: number) => ({
      ...{ shape, colour: 'red' as const, colourShares: { red: 1 } as never, area: 100, region: [], confidence },
      ...{ box: [x - 8, 24, x + 8, 40] as const, centre: [x, 32] as const },
    });
    const of = (objects: ReturnType<typeof object>[], prompt: string) => softSatisfaction(objects, parsePrompt(prompt));
    expect(of([object('star', 20, 0.8)], 'a star')).toBeCloseTo(0.8, 10);
    expect(of([object('star', 20, 0.8)], 'a ring')).toBe(0);
    expect(of([object('star', 16, 0.8), object('ring', 48, 0.5)], 'a star left of a ring')).toBeCloseTo(
      (0.8 + 0.5 + 0.4) / 3,
      10,
    );
    expect(of([object('star', 16, 0.8), object('ring', 48, 0.5)], 'a star right of a ring')).toBeCloseTo(1.3 / 3, 10);
    const three = [object('star', 10, 1), object('star', 30, 1), object('star', 50, 0.5)];
    expect(of(three, 'two stars')).toBeCloseTo((1 + 2 / 2.5) / 2, 10);
  });
});
