import { describe, expect, it } from 'vitest';
import { worldBasis } from '../../../../nodes/ml/train/textToImageTraining.ts';
import type { DetectedObject } from '../../../../nodes/ml/world/detectObjects.ts';
import { genevalScores, judgeImage, judgeObjects, listRelations } from '../../../../nodes/ml/world/judgeImage.ts';
import { parsePrompt } from '../../../../nodes/ml/world/parsePrompt.ts';
import { type Colour, type Shape, tasks } from '../../../../nodes/ml/world/words.ts';
import { degradations, judgeAll, truthImages } from '../../../support/truthImages.ts';

/** Ten pixels wide and high. */
const object = (colour: Colour, shape: Shape, x = 32, y = 32, confidence = 0.9): DetectedObject => ({
  shape,
  colour,
  box: [x - 5, y - 5, x + 5, y + 5],
  centre: [x, y],
  area: 80,
  confidence,
});
const judge = (prompt: string, ...objects: DetectedObject[]) => judgeObjects(objects, parsePrompt(prompt));

describe('judgeObjects', () => {
  it('needs every object that is asked for and allows more, except of what is counted', () => {
    const [red, blue] = [object('red', 'circle'), object('blue', 'star')];
    expect(judge('a circle and a star', red, blue, object('red', 'ring'))).toEqual({
      correct: true,
      reasons: [],
      satisfied: 1,
    });
    expect(judge('a circle and a star', red)).toEqual({
      correct: false,
      reasons: ['expected star >= 1, found 0'],
      satisfied: 0.5,
    });
    expect(judge('two circles', red, red).correct).toBe(true);
    expect(judge('two circles', red)).toMatchObject({ correct: false, satisfied: 0.75 });
    expect(judge('two circles', red, red, red, red)).toMatchObject({ correct: false, satisfied: 0.75 });
  });

  it('looks at the colour of the surest objects only', () => {
    const [red, blue] = [object('red', 'circle'), object('blue', 'circle')];
    expect(judge('a red circle', red, blue).correct).toBe(true);
    expect(judge('a red circle', blue, red)).toMatchObject({
      correct: false,
      reasons: ['expected red circle >= 1, found blue'],
      satisfied: 0.5,
    });
    expect(judge('a red circle and a blue circle', blue, red).correct).toBe(true);
    expect(judge('a red circle and a blue star', object('red', 'star'), blue).satisfied).toBe(0.5);
  });

  it('shrinks offsets by a tenth of both extents before it says where things lie', () => {
    const at = (x: number, y: number) => listRelations(object('red', 'star', x, y), object('red', 'ring', 32, 32));
    expect(at(20, 32)).toEqual(['left of']);
    expect(at(44, 32)).toEqual(['right of']);
    expect(at(32, 10)).toEqual(['above']);
    expect(at(32, 54)).toEqual(['below']);
    expect(at(52, 52)).toEqual(['right of', 'below']); // (20 - 2) / 28.3 = 0.64 on both axes
    expect(at(35, 32)).toEqual([]); // (3 - 2) / 3 = 0.33
    expect(at(36.1, 32)).toEqual(['right of']); // (4.1 - 2) / 4.1 = 0.51
    expect(at(32, 32)).toEqual([]);
  });

  it('grades a position that is wrong as two of three conditions', () => {
    const [star, ring] = [object('red', 'star', 20), object('red', 'ring', 44)];
    expect(judge('a star left of a ring', star, ring).correct).toBe(true);
    expect(judge('a ring left of a star', star, ring)).toMatchObject({ correct: false, satisfied: 2 / 3 });
    expect(judge('a ring left of a star', star).satisfied).toBeCloseTo(1 / 3);
  });
});

describe('judgeImage', () => {
  const images = truthImages(600, 4_711);
  const degrade = degradations(worldBasis(1, 100));

  it('judges images of the world right, and false captions wrong', () => {
    const { own, wrong, failures, slips } = judgeAll(images, degrade.none!);
    expect(own, failures.join('\n')).toBeGreaterThanOrEqual(0.995);
    expect(wrong, slips.join('\n')).toBeLessThanOrEqual(0.005);
  }, 120_000);

  it.each(['blur', 'noise', 'autoencoder', 'all'])(
    'stands degraded images: %s',
    (name) => {
      const { own, wrong, failures, slips } = judgeAll(images.slice(0, 90), degrade[name]!);
      expect(own, failures.join('\n')).toBeGreaterThanOrEqual(0.97);
      expect(wrong, slips.join('\n')).toBeLessThanOrEqual(0.012); // one of 90
    },
    120_000,
  );

  it('is wrong about an image of noise', () => {
    const { scene } = images[0]!;
    const noise = Float32Array.from(
      { length: 64 * 64 * 3 },
      (_, i) => Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 1,
    );
    expect(judgeImage(noise, scene.caption).correct).toBe(false);
  });
});

describe('genevalScores', () => {
  it('averages tasks, not images', () => {
    const rows = tasks.map((task, i) => ({ task, correct: i < 3 }));
    const more = Array.from({ length: 9 }, () => ({ task: 'single', correct: false }) as const);
    const { tasks: shares, counts, mean } = genevalScores([...rows, ...more]);
    expect(shares).toEqual({ single: 0.1, two: 1, counting: 1, colours: 0, position: 0, attribution: 0 });
    expect(counts.single).toBe(10);
    expect(mean).toBeCloseTo(2.1 / 6);
  });

  it('has no mean without all six', () => {
    expect(genevalScores([{ task: 'two', correct: true }])).toMatchObject({ tasks: { two: 1 }, mean: undefined });
  });
});
