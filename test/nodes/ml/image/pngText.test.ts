import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { decode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng, toBytes } from '../../../../nodes/ml/image/encodePng.ts';
import { addPngText, isPng, readPngText } from '../../../../nodes/ml/image/pngText.ts';

const image = { width: 3, height: 2, rgb: Uint8Array.from({ length: 18 }, (_, i) => i * 14) };

describe('encodePng', () => {
  it('writes pixels that another decoder reads back exactly', async () => {
    const raw = await sharp(encodePng(image, { Seed: '7' }))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(raw.info).toMatchObject({ width: 3, height: 2, channels: 3 });
    expect([...raw.data]).toEqual([...image.rgb]);
  });

  it('rounds to the nearest byte and clamps', () => {
    expect([...toBytes(new Float32Array([-1, 0, 0.5, 1, 2, 1 / 255 + 0.0019]))]).toEqual([0, 0, 128, 255, 255, 1]);
  });
});

describe('PNG text', () => {
  it('gives back any text it was given', () => {
    const keyword = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 :-]{0,77}[A-Za-z0-9]$/);
    fc.assert(
      fc.property(
        fc.dictionary(keyword, fc.string({ unit: 'grapheme' }), { maxKeys: 4, noNullPrototype: true }),
        (texts) => {
          expect(Object.fromEntries(readPngText(encodePng(image, texts)))).toEqual(texts);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  it('is read by another reader, checksums verified', () => {
    const png = addPngText(encodePng(image), { Software: 'Noiseloom é', Prompt: '猫 🐈' });
    expect(decode(png, { checkCrc: true }).text).toEqual({ Software: 'Noiseloom é' }); // fast-png passes over iTXt
  });

  it('refuses what is no PNG and what is cut short', () => {
    const png = encodePng(image, { Seed: '7' });
    expect(isPng(png)).toBe(true);
    expect(() => readPngText(new Uint8Array([1, 2, 3]))).toThrow(/not a PNG/);
    for (let length = 9; length < png.length - 12; length++) {
      if (![8, 33].includes(length)) expect(() => addPngText(png.subarray(0, length), { a: 'b' })).toThrow(/cut short/);
    }
  });

  const latin = (text: string) => Buffer.from(text, 'latin1');
  /** The image with one more chunk before its end. */
  const withChunk = (type: string, ...content: Uint8Array[]) => {
    const body = Buffer.concat(content);
    const chunk = Buffer.alloc(12 + body.length);
    chunk.writeUInt32BE(body.length);
    chunk.write(type, 4, 'latin1');
    body.copy(chunk, 8);
    chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
    const png = encodePng(image);
    return new Uint8Array(Buffer.concat([png.subarray(0, -12), chunk, png.subarray(-12)]));
  };

  it('is read from compressed chunks as well', () => {
    const packed = withChunk('zTXt', latin('Prompt\0\0'), deflateSync(latin('un café')));
    expect(readPngText(packed).get('Prompt')).toBe('un café');
    const international = withChunk('iTXt', latin('Prompt\0\x01\0fr\0Texte\0'), deflateSync(Buffer.from('猫 🐈')));
    expect(readPngText(international).get('Prompt')).toBe('猫 🐈');
  });

  it('passes over chunks that are broken, too large or not understood', () => {
    const packed = deflateSync(Buffer.alloc(17 * 2 ** 20, 'a'));
    for (const png of [
      withChunk('iTXt', latin('Prompt\0\x01\0\0\0'), Buffer.from('not packed')),
      withChunk('zTXt', latin('Prompt\0\0'), deflateSync(latin('un café')).subarray(0, -6)),
      withChunk('zTXt', latin('Prompt\0\0'), packed),
      withChunk('zTXt', latin('Prompt\0\x01'), deflateSync(latin('another method'))),
      withChunk('iTXt', latin('Prompt\0\0\0\0\0'), latin('caf\xe9')),
      withChunk('tEXt', latin('\0no keyword')),
    ])
      expect(readPngText(png).size).toBe(0);
  });
});
