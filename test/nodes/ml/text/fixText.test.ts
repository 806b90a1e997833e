import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixText } from '../../../../nodes/ml/text/fixText.ts';
import { goldenFolder } from '../../../support/golden.ts';

const cases: [text: string, fixed: string][] = JSON.parse(
  readFileSync(`${goldenFolder('fix-text')}/cases.json`, 'utf8'),
);

describe('fixText', () => {
  it.each(cases)('mends %j as ftfy and open_clip do', (text, fixed) => {
    expect(fixText(text)).toBe(fixed);
  });

  it.each([
    ['un cafГ© prГЁs', 'un café près'], // UTF-8 read as Windows-1251, which ftfy takes for Cyrillic
    ['зєўи‰Із‹—', '红色狗'],
    ['â„¢', '™'],
    ['un café, pÃ¥ Ã¶n', 'un café, på ön'], // partly misread
  ])('mends %j, which ftfy leaves', (text, fixed) => {
    expect(fixText(text)).toBe(fixed);
  });

  it.each(['CAFÉ™', 'É™ x', 'Å½', 'El Niño © 2020 ™', 'ÀÉÎÕÜ', 'Ø Å ø', 'Привет, мир', '赤い犬', 'Å”', 'a × ²'])(
    'leaves %j, which may be meant',
    (text) => {
      expect(fixText(text)).toBe(text.replace('”', '"'));
    },
  );

  it('undoes any two misreadings of a sentence as Latin-1', () => {
    const misread = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    const letters = fc.constantFrom(...'éèçñößåøżłść猫犬дом한국');
    fc.assert(
      fc.property(fc.array(letters, { minLength: 2, maxLength: 30 }), fc.constantFrom(1, 2), (word, times) => {
        const text = `a ${word.join('')} b`;
        let seen = text;
        for (let i = 0; i < times; i++) seen = misread(seen);
        expect(fixText(seen)).toBe(text);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  it('takes time in proportion to a text', () => {
    for (const text of ['Ã©'.repeat(50_000), '&amp;'.repeat(20_000), 'Ã '.repeat(50_000), '\n'.repeat(100_000)])
      expect(fixText(text).length).toBeLessThanOrEqual(text.length);
  });
});
