import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { alterComposition, alterContent } from '../../../../nodes/ml/world/alterScene.ts';
import { appeal } from '../../../../nodes/ml/world/appeal.ts';
import { detectObjects } from '../../../../nodes/ml/world/detectObjects.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { falseCaption } from '../../../../nodes/ml/world/falseCaption.ts';
import { judgeObjects } from '../../../../nodes/ml/world/judgeImage.ts';
import { composition, merit } from '../../../../nodes/ml/world/merit.ts';
import { parsePrompt } from '../../../../nodes/ml/world/parsePrompt.ts';
import { SCENE_SIZE, type Scene, type SceneObject, sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { sceneTruth } from '../../../../nodes/ml/world/sceneTruth.ts';

const scenes = (count: number, seed: number) => {
  const random = randomStream(seed);
  return Array.from({ length: count }, () => sampleScene(random));
};
const truthOf = (scene: Scene, caption: string) => sceneTruth([scene], [caption])[0]![0]!;

describe('sceneTruth', () => {
  it('finds every caption true of its scene and every false caption false', () => {
    const random = randomStream(8);
    for (const scene of scenes(300, 7)) {
      expect(truthOf(scene, scene.caption), scene.caption).toMatchObject({ correct: true, satisfied: 1 });
      const wrong = falseCaption(scene, random);
      expect(truthOf(scene, wrong).correct, `${wrong} for ${scene.caption}`).toBe(false);
    }
  });

  it('says of each scene what the judge of images says of its image', () => {
    const all = scenes(16, 9);
    const captions = all.map(({ caption }) => caption.replace(/ on an? \w+ background/, ''));
    const truth = sceneTruth(all, captions);
    const clauses = captions.map(parsePrompt);
    const differing = all.flatMap((scene, i) => {
      const seen = detectObjects(drawScene(scene));
      return captions.filter((_, j) => judgeObjects(seen, clauses[j]!).correct !== truth[i]![j]!.correct);
    });
    expect(differing.length).toBeLessThanOrEqual(2); // relations at the very margin, of 256
  });

  it('counts the background where a caption names one', () => {
    const scene = scenes(100, 4).find(({ caption, background }) => caption.includes(`${background} background`))!;
    const other = scene.background === 'dark' ? 'grey' : 'dark';
    expect(truthOf(scene, scene.caption.replace(scene.background, other))).toMatchObject({
      correct: false,
      satisfied: 0.75,
    });
  });
});

describe('alterComposition', () => {
  it('keeps captions true and everything inside of the image', () => {
    const random = randomStream(2);
    for (const scene of scenes(200, 5)) {
      const altered = alterComposition(scene, random);
      expect(truthOf(altered, scene.caption).correct, scene.caption).toBe(true);
      for (const { x, y, radius } of altered.objects) {
        expect(Math.min(x, y) - radius).toBeGreaterThanOrEqual(1.999);
        expect(Math.max(x, y) + radius).toBeLessThanOrEqual(SCENE_SIZE - 1.999);
      }
    }
  });
});

describe('alterContent', () => {
  it('changes the objects, often so that the caption is false, never so that none is left', () => {
    const random = randomStream(2);
    const pairs = scenes(300, 6).map((scene) => [scene, alterContent(scene, random)] as const);
    for (const [scene, altered] of pairs) {
      expect(altered.objects.length).toBeGreaterThan(0);
      expect(altered.caption).toBe(scene.caption);
    }
    const falsified = pairs.filter(([scene, altered]) => !truthOf(altered, scene.caption).correct).length;
    expect(falsified).toBeGreaterThan(100);
    expect(falsified).toBeLessThan(280);
  });
});

const one = (fields: Partial<SceneObject>): Scene => {
  const object = { shape: 'circle', colour: 'red', x: 32, y: 32, radius: 20, angle: 0, tint: [0, 0, 0] } as const;
  const objects = [{ ...object, ...fields }];
  return { task: 'single', caption: 'a circle', background: 'grey', backgroundTint: [0, 0, 0], objects };
};

describe('merit and appeal', () => {
  it('prefer what is asked for, then clean, then large and centred images', () => {
    expect(composition(one({}))).toBe(1);
    expect(composition(one({ radius: 10 }))).toBe(0.75);
    expect(composition(one({ x: 16 }))).toBe(0.75);
    expect(merit({ satisfied: 1, clean: 1, composed: 1 })).toBe(11);
    const middling = { satisfied: 0.5, clean: 0.5, composed: 0.5 };
    expect(merit({ ...middling, satisfied: 1 })).toBeGreaterThan(merit({ ...middling, clean: 1, composed: 1 }));
    expect(merit({ ...middling, clean: 1 })).toBeGreaterThan(merit({ ...middling, composed: 1 }));
    expect(merit({ ...middling, composed: 1 })).toBeGreaterThan(merit(middling));
  });

  it('of appeal are best at 10: high contrast, centred, crisp', () => {
    expect(appeal(one({ colour: 'yellow' }), 0)).toBeLessThanOrEqual(10);
    expect(appeal(one({ colour: 'yellow' }), 0)).toBeGreaterThan(appeal(one({ colour: 'purple' }), 0));
    expect(appeal(one({}), 0) - appeal(one({}), 1)).toBeCloseTo(3);
    expect(appeal(one({}), 0) - appeal(one({ radius: 10 }), 0)).toBeCloseTo(0.75);
  });
});
