import { defineNode, many } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { encodePng, type RgbImage } from '../ml/image/encodePng.ts';
import { labelTable } from '../ml/image/labelTable.ts';
import { rgbImages } from '../ml/image/rgbImages.ts';
import { tileImages } from '../ml/image/tileImages.ts';
import { fileName, integer, text } from '../params.ts';
import type { Images } from '../ports.ts';

const title = (what: string) =>
  text({ initial: '', help: `What the ${what} show, e.g. "steps"; stands before each of their values.` });

export const contactSheet = defineNode({
  type: 'output/contact-sheet',
  version: 1,
  title: 'Contact sheet',
  summary: 'Writes images into a table with labelled rows and columns, one PNG for each sheet; see Grid axes.',
  inputs: {
    images: many('images', { min: 1, help: 'One batch for each cell; the images of a batch stand side by side.' }),
    columns: many('text', { help: 'The column of each batch.' }),
    rows: many('text', { help: 'The row of each batch.' }),
    sheets: many('text', { help: 'The sheet of each batch.' }),
  },
  params: {
    name: fileName({
      initial: 'sheet',
      help: 'Name of the file; the number of a sheet is added where there are several.',
    }),
    columnTitle: title('columns'),
    rowTitle: title('rows'),
    sheetTitle: title('sheets'),
    gap: integer({ initial: 4, min: 0, max: 64, unit: 'pixels', help: 'White space between images.' }),
    enlarge: integer({ initial: 1, min: 1, max: 16, help: 'Every pixel becomes a square of this many pixels a side.' }),
  },
  outputs: {},
  async run({ images, ...axes }, { name, columnTitle, rowTitle, sheetTitle, gap, enlarge }, { progress, save }) {
    const columns = placesOf(axes.columns, images.length, 'columns');
    const rows = placesOf(axes.rows, images.length, 'rows');
    const sheets = placesOf(axes.sheets, images.length, 'sheets');
    const label = (heading: string) => (value: string) =>
      heading === '' || value === '' ? value : `${heading}: ${value}`;
    const [columnNames, rowNames, sheetNames] = [columns, rows, sheets].map((places) => [...new Set(places)]) as [
      string[],
      string[],
      string[],
    ];
    for (const [number, sheet] of sheetNames.entries()) {
      await progress(number / sheetNames.length);
      const cells = await Promise.all(
        rowNames.map((row) =>
          Promise.all(
            columnNames.map((column) =>
              joinCell(images.filter((_, i) => sheets[i] === sheet && rows[i] === row && columns[i] === column)),
            ),
          ),
        ),
      );
      const labels = {
        title: label(sheetTitle)(sheet),
        rows: rowNames.map(label(rowTitle)),
        columns: columnNames.map(label(columnTitle)),
      };
      const texts = {
        ...(labels.title && { Sheet: labels.title }),
        Rows: labels.rows.join('\n'),
        Columns: labels.columns.join('\n'),
      };
      const suffix = sheetNames.length > 1 ? `-${number + 1}` : '';
      save({
        name: `${name}${suffix}.png`,
        mime: 'image/png',
        bytes: encodePng(labelTable(cells, labels, { gap, enlarge }), texts),
        label: labels.title ? { name: labels.title } : {},
      });
    }
  },
});

/** Where each batch stands on an axis; an axis that nothing is wired to has one place. Throws UserError `LIST_LENGTHS`. */
function placesOf(given: readonly string[], count: number, port: string): readonly string[] {
  if (given.length === 0) return Array.from({ length: count }, () => '');
  if (given.length === count) return given;
  const message = `${count} batches of images arrive, but ${given.length} ${port}. Wire the same Grid axes to what draws the images and to this node.`;
  throw new UserError('LIST_LENGTHS', message, { at: { port } });
}

/** The images of a cell side by side; one white pixel where there are none. */
async function joinCell(batches: readonly Images[]): Promise<RgbImage> {
  const images = (await Promise.all(batches.map(({ pixels }) => rgbImages(pixels)))).flat();
  if (images.length === 0) return { width: 1, height: 1, rgb: new Uint8Array(3).fill(255) };
  return tileImages([images], { gap: 0, enlarge: 1 });
}
