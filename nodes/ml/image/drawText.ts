import { unzlibSync } from 'fflate';
import type { RgbImage } from './encodePng.ts';
import font from './fixedFont.json';

/** Pixels of a character's cell. */
export const [CHARACTER_WIDTH, LINE_HEIGHT] = [font.width, font.height];

const REPLACEMENT = 0xfffd;
let unpacked: ReadonlyMap<number, Uint8Array> | undefined;

/** By code point: the rows of a glyph from the top, a byte each, the highest bit leftmost. Unpacked when first needed. */
function readGlyphs(): ReadonlyMap<number, Uint8Array> {
  if (unpacked) return unpacked;
  const glyphs = new Map<number, Uint8Array>();
  const rows = unzlibSync(Uint8Array.from(atob(font.rows), (letter) => letter.charCodeAt(0)));
  for (const [first, count] of font.runs as [number, number][])
    for (let i = 0; i < count; i++) {
      const at = glyphs.size * LINE_HEIGHT;
      glyphs.set(first + i, rows.subarray(at, at + LINE_HEIGHT));
    }
  unpacked = glyphs;
  return glyphs;
}

/**
 * Draws one line of black text into an image, its upper left corner at x, y; what lies outside is left out. Each pixel of
 * the font is `scale` x `scale` pixels. Characters that the font lacks appear as a replacement character.
 */
export function drawText(image: RgbImage, text: string, x: number, y: number, scale: number): void {
  const glyphs = readGlyphs();
  let left = x;
  for (const character of text) {
    const glyph = glyphs.get(character.codePointAt(0)!) ?? glyphs.get(REPLACEMENT)!;
    for (let row = 0; row < LINE_HEIGHT * scale; row++)
      for (let column = 0; column < CHARACTER_WIDTH * scale; column++) {
        const isInk = (glyph[Math.floor(row / scale)]! << Math.floor(column / scale)) & 0x80;
        const [px, py] = [left + column, y + row];
        if (isInk && px >= 0 && px < image.width && py >= 0 && py < image.height)
          image.rgb.fill(0, (py * image.width + px) * 3, (py * image.width + px) * 3 + 3);
      }
    left += CHARACTER_WIDTH * scale;
  }
}

/**
 * Breaks a text into at most `lines` lines of `width` characters, at spaces where it can. What does not fit is cut from the
 * middle of the last line and marked "...", so that the end of a path or a prompt stays readable.
 */
export function wrapText(text: string, width: number, lines: number): string[] {
  const wrapped: string[] = [];
  let rest = [...text.trim()];
  while (rest.length > width && wrapped.length < lines - 1) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    wrapped.push(rest.slice(0, end).join(''));
    rest = [...rest.slice(end).join('').trimStart()];
  }
  if (rest.length > width) {
    const kept = Math.max(0, width - 3);
    rest = [
      ...rest.slice(0, Math.ceil(kept / 2)),
      ...'...'.slice(0, width),
      ...rest.slice(rest.length - Math.floor(kept / 2)),
    ];
  }
  return [...wrapped, rest.join('')];
}
