import { CHARACTER_WIDTH, drawText, LINE_HEIGHT, wrapText } from './drawText.ts';
import type { RgbImage } from './encodePng.ts';
import { tileImages } from './tileImages.ts';

interface TableLabels {
  /** Above the whole table; '' for none. */
  readonly title: string;
  /** One for each row and each column; all '' for none. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}

/** Lines of a label at most, and characters of a row's label in a line. */
const [LINES, ROW_CHARACTERS] = [3, 18];

/**
 * A table of images with its labels: columns above, rows at the left, all on white. Every cell is as large as the largest
 * image; `gap` and `enlarge` as in `tileImages`. Throws UserError `TOO_LARGE`.
 */
export function labelTable(
  cells: readonly (readonly RgbImage[])[],
  labels: TableLabels,
  { gap, enlarge }: { gap: number; enlarge: number },
): RgbImage {
  const table = tileImages(cells, { gap, enlarge });
  const [cellWidth, cellHeight] = [
    (table.width - gap) / Math.max(...cells.map((row) => row.length)),
    (table.height - gap) / cells.length,
  ];
  const scale = Math.max(1, Math.round(cellWidth / 256));
  const [letter, line] = [CHARACTER_WIDTH * scale, LINE_HEIGHT * scale];
  const wrapAll = (texts: readonly string[], characters: number) =>
    texts.map((text) => (text === '' ? [] : wrapText(text, Math.max(1, characters), LINES)));
  const columns = wrapAll(labels.columns, Math.floor((cellWidth - gap) / letter));
  const rows = wrapAll(labels.rows, ROW_CHARACTERS);
  const left = Math.max(0, ...rows.flat().map((text) => [...text].length + 1)) * letter;
  const title = wrapAll([labels.title], Math.floor((left + table.width) / letter))[0]!;
  const top = (title.length + Math.max(...columns.map(({ length }) => length))) * line;
  const heading = title.length * line;

  const image = blank(left + table.width, top + table.height);
  for (let y = 0; y < table.height; y++)
    image.rgb.set(
      table.rgb.subarray(y * table.width * 3, (y + 1) * table.width * 3),
      ((top + y) * image.width + left) * 3,
    );
  const write = (lines: readonly string[], x: number, y: number) => {
    for (const [i, text] of lines.entries()) drawText(image, text, x, y + i * line, scale);
  };
  write(title, gap, 0);
  for (const [i, lines] of columns.entries()) write(lines, left + gap + i * cellWidth, heading);
  for (const [i, lines] of rows.entries()) {
    const middle = i * cellHeight + (cellHeight - lines.length * line) / 2;
    write(lines, gap, top + gap + Math.max(i * cellHeight, Math.round(middle)));
  }
  return image;
}

function blank(width: number, height: number): RgbImage {
  return { width, height, rgb: new Uint8Array(width * height * 3).fill(255) };
}
