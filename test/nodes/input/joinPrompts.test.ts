import { beforeAll, describe, expect, it } from 'vitest';
import { joinPrompts } from '../../../nodes/input/joinPrompts.ts';
import { joinFeatures } from '../../../nodes/ml/models/joinFeatures.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { readings } from '../../../nodes/ml/models/promptReader.ts';
import { readJoined } from '../../../nodes/ml/text/joinedPrompt.ts';
import { tensor2d, tensor3d } from '../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';
import { drawnBy } from '../../support/imageOf.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

type How = Parameters<typeof joinPrompts.run>[1]['how'];
const join = (prompts: readonly string[], how: How, weight = 0.5) =>
  (joinPrompts.run({ prompts }, { how, weight }, nodeContext().context) as { prompt: string }).prompt;

describe('Join prompts', () => {
  it('writes what is read again', () => {
    expect(readJoined(join(['a', 'b\nc', ''], 'combine'))).toEqual(
      ['a', 'b\nc', ''].map((first) => ({ first, terms: [] })),
    );
    expect(readJoined(join(['a', 'b', 'c'], 'concat'))).toEqual([
      { first: 'a', terms: ['b', 'c'].map((text) => ({ how: 'concat', weight: 1, text })) },
    ]);
    expect(readJoined(join(['a', 'b'], 'average', 0.3))).toEqual([
      { first: 'a', terms: [{ how: 'average', weight: 0.3, text: 'b' }] },
    ]);
    expect(readJoined('a === combine === b')).toEqual([{ first: 'a === combine === b', terms: [] }]);
  });

  it('joins each of combined prompts, and combines joined ones', () => {
    expect(
      readJoined(join([join(['a', 'b'], 'combine'), 'c'], 'concat')).map(({ first, terms }) => [first, terms[0]?.text]),
    ).toEqual([
      ['a', 'c'],
      ['b', 'c'],
    ]);
    expect(readJoined(join(['a', join(['b', 'c'], 'average')], 'combine'))).toHaveLength(2);
  });

  it.each<[string, readonly string[], How, RegExp]>([
    ['an average of three', ['a', 'b', 'c'], 'average', /An average is of two prompts, and there are 3/],
    ['combined prompts in second place', ['a', join(['b', 'c'], 'combine')], 'concat', /joined by combine itself/],
    ['an average in second place', ['a', join(['b', 'c'], 'average')], 'concat', /joined by average itself/],
    ['tokens side by side in second place', ['a', join(['b', 'c'], 'concat')], 'average', /joined by concat itself/],
  ])('refuses %s', (_what, prompts, how, sentence) => {
    expect(() => join(prompts, how)).toThrow(sentence);
  });
});

describe('features of joined prompts', () => {
  const encode = (prompt: string) => ({
    context: tensor3d([[...prompt].map((letter) => [letter.charCodeAt(0) - 96])]),
    pooled: tensor2d([[prompt.length]]),
  });
  const features = (prompt: string) => {
    const { context, pooled } = joinFeatures(readJoined(prompt)[0]!, encode);
    const values = [[...context.dataSync()], pooled!.dataSync()[0]];
    context.dispose();
    pooled!.dispose();
    return values;
  };

  it('stand side by side, or are averaged: cut or filled up with zeros', () => {
    expect(features('ab')).toEqual([[1, 2], 2]);
    expect(features(join(['ab', 'c'], 'concat'))).toEqual([[1, 2, 3], 2]);
    expect(features(join(['bb', 'dddd'], 'average', 0.5))).toEqual([[3, 3], 3]);
    expect(features(join(['bb', 'd'], 'average', 0.5))).toEqual([[3, 1], 1.5]);
    expect(features(join([join(['b', 'd'], 'concat'), 'ff'], 'average', 0.5))).toEqual([[4, 5], 1.5]);
  });

  it.each(['comfy', 'a1111'] as const)(
    'draw in the style %s what one prompt draws, joined with itself',
    async (style) => {
      const generator = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'), { reading: readings[style] });
      const draw = (prompt: string) => drawnBy(generator, { scheduler: 'model', prompt }).slice();
      const [one, other] = [draw('a red dog'), draw('a green cat')];
      const distance = (image: Float32Array) => Math.max(...image.map((value, i) => Math.abs(value - one[i]!)));
      for (const how of ['combine', 'concat', 'average'] as const) {
        expect(distance(draw(join(['a red dog', 'a red dog'], how)))).toBeLessThan(1e-3);
        expect(distance(draw(join(['a red dog', 'a green cat'], how)))).toBeGreaterThan(1e-3);
      }
      expect(distance(other)).toBeGreaterThan(1e-3);
      generator.dispose();
    },
  );
});
