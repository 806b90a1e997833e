import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isPng, readPngText } from '../../nodes/ml/image/pngText.ts';
import { templatesFolder } from './folders.ts';
import { GRAPH_KEYWORD } from './runFolder.ts';

/** Bytes of the largest file that may be a graph, or a PNG with one in it. */
export const MAX_GRAPH_BYTES = 256 * 2 ** 20;

/** The text of a graph in the bytes of a file: the file itself, or what a PNG of ours carries. Throws `NO_GRAPH`, `BAD_PNG`. */
export function graphTextOf(bytes: Uint8Array, name: string): string {
  if (!isPng(bytes)) return new TextDecoder().decode(bytes);
  const text = readPngText(bytes).get(GRAPH_KEYWORD);
  if (text !== undefined) return text;
  throw new UserError(
    'NO_GRAPH',
    `"${name}" is a PNG without a graph in it; only PNG files that Noiseloom saved have one.`,
  );
}

/** Names for `template:NAME`. */
export async function templateNames(): Promise<string[]> {
  const names = await readdir(templatesFolder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** `name` is one of `templateNames`. */
export function readTemplate(name: string): Promise<string> {
  return readFile(join(templatesFolder, `${name}.json`), 'utf8');
}
