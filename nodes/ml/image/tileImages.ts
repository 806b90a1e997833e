import { UserError } from '../../errors.ts';
import type { RgbImage } from './encodePng.ts';

/** Pixels of the whole image. */
const LARGEST = 64 * 2 ** 20;

/**
 * Lays rows of images out on white, each in the upper left of a cell as large as the largest image, every pixel
 * blown up to `enlarge` x `enlarge`, `gap` pixels between and around the cells. Throws UserError `TOO_LARGE`.
 */
export function tileImages(
  rows: readonly (readonly RgbImage[])[],
  { gap, enlarge }: { gap: number; enlarge: number },
): RgbImage {
  const all = rows.flat();
  const cellWidth = Math.max(...all.map(({ width }) => width)) * enlarge + gap;
  const cellHeight = Math.max(...all.map(({ height }) => height)) * enlarge + gap;
  const width = Math.max(...rows.map((row) => row.length)) * cellWidth + gap;
  const height = rows.length * cellHeight + gap;
  if (width * height > LARGEST)
    throw new UserError(
      'TOO_LARGE',
      `The image of ${rows.length} rows would have ${width}x${height} pixels; at most ${LARGEST} are allowed. Enlarge less, or put fewer images into it.`,
    );
  const rgb = new Uint8Array(width * height * 3).fill(255);
  for (const [r, row] of rows.entries())
    for (const [c, image] of row.entries())
      for (let y = 0; y < image.height * enlarge; y++)
        for (let x = 0; x < image.width * enlarge; x++) {
          const from = (Math.floor(y / enlarge) * image.width + Math.floor(x / enlarge)) * 3;
          const to = ((gap + r * cellHeight + y) * width + gap + c * cellWidth + x) * 3;
          for (let channel = 0; channel < 3; channel++) rgb[to + channel] = image.rgb[from + channel]!;
        }
  return { width, height, rgb };
}
