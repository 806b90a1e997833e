import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHARACTER_WIDTH, drawText, LINE_HEIGHT, wrapText } from '../../../../nodes/ml/image/drawText.ts';

function draw(text: string, { width = 6, height = 13, x = 0, y = 0, scale = 1 } = {}): string[] {
  const image = { width, height, rgb: new Uint8Array(width * height * 3).fill(255) };
  drawText(image, text, x, y, scale);
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => (image.rgb[(row * width + column) * 3] === 0 ? '#' : '.')).join(''),
  );
}

describe('drawText', () => {
  it('draws the glyphs of the font', () => {
    expect([CHARACTER_WIDTH, LINE_HEIGHT]).toEqual([6, 13]);
    expect(draw('A')).toEqual([
      '......',
      '......',
      '..#...',
      '.#.#..',
      '#...#.',
      '#...#.',
      '#...#.',
      '#####.',
      '#...#.',
      '#...#.',
      '#...#.',
      '......',
      '......',
    ]);
  });

  it('enlarges every pixel, and cuts what lies outside', () => {
    const plain = draw('g');
    const twice = draw('g', { width: 12, height: 26, scale: 2 });
    expect(twice.filter((_, i) => i % 2 === 0).map((row) => row.replace(/(.)\1/g, '$1'))).toEqual(plain);
    expect(draw('Ag', { x: -6 })).toEqual(plain);
    expect(draw('A', { y: 20 }).join('')).not.toContain('#');
  });

  it('knows Latin, Greek and Cyrillic letters, and marks what it does not know', () => {
    const marked = draw('猫');
    expect(marked.join('')).toContain('#');
    for (const letter of 'zÄéłΩЯ') expect(draw(letter)).not.toEqual(marked);
    expect(draw('\u{1f408}')).toEqual(marked);
  });
});

describe('wrapText', () => {
  it('breaks at spaces, and cuts the middle of what is too long', () => {
    expect(wrapText('a red circle above a box', 12, 3)).toEqual(['a red circle', 'above a box']);
    expect(wrapText('models/sd-turbo/unet.safetensors', 14, 2)).toEqual(['models/sd-turb', 'o/unet...nsors']);
    expect(wrapText('short', 12, 3)).toEqual(['short']);
  });

  it('keeps to its width and its lines for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 4 }),
        (text, width, lines) => {
          const wrapped = wrapText(text, width, lines);
          expect(wrapped.length).toBeLessThanOrEqual(lines);
          for (const line of wrapped) expect([...line].length).toBeLessThanOrEqual(width);
        },
      ),
      { seed: 5 },
    );
  });
});
