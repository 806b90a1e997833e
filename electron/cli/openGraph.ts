import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { didYouMean } from '../../graphs/suggest.ts';
import { GraphError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { isPng, readPngText } from '../../nodes/ml/image/pngText.ts';
import { templatesFolder } from '../folders.ts';
import { GRAPH_KEYWORD } from '../runFolder.ts';
import { UsageError } from './problems.ts';

export interface GraphText {
  readonly text: string;
  /** What relative paths in the graph start from. */
  readonly workingFolder: string;
}

/**
 * The text of a graph: a graph file (whose relative paths start at its folder), `template:NAME`, or a PNG that this
 * program made (relative paths of both start at the current folder).
 * Throws UsageError `NOT_FOUND`, GraphError `NO_GRAPH`, `BAD_PNG`, `READ_FAILED`.
 */
export async function readGraphText(location: string): Promise<GraphText> {
  if (location.startsWith('template:'))
    return { text: await readTemplate(location.slice(9)), workingFolder: process.cwd() };
  const path = resolve(location);
  const bytes = await readBytes(path, location);
  if (!isPng(bytes)) return { text: new TextDecoder().decode(bytes), workingFolder: dirname(path) };
  const text = readPngText(bytes).get(GRAPH_KEYWORD);
  if (text !== undefined) return { text, workingFolder: process.cwd() };
  throw new GraphError(
    'NO_GRAPH',
    `"${location}" is a PNG without a graph in it; only PNG files that Noiseloom saved have one.`,
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

async function readTemplate(name: string): Promise<string> {
  const names = await templateNames();
  if (isPlainName(name) && names.includes(name)) return readFile(join(templatesFolder, `${name}.json`), 'utf8');
  throw new UsageError(
    `There is no template "${name}".${didYouMean(name, names)} The templates are ${names.join(', ') || 'none'}.`,
    'NOT_FOUND',
  );
}

async function readBytes(path: string, location: string): Promise<Uint8Array> {
  try {
    if (!(await stat(path)).isDirectory()) return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') {
      throw new GraphError('READ_FAILED', `The graph "${location}" could not be read: ${cause.message}.`, { cause });
    }
    throw new UsageError(`There is no graph "${location}".${await suggestion(path)}`, 'NOT_FOUND');
  }
  throw new UsageError(`"${location}" is a folder. Name a graph file in it.`, 'NOT_FOUND');
}

/** A graph of the same folder, or a template, that may have been meant; else what a graph can be. */
async function suggestion(path: string): Promise<string> {
  const files = await readdir(dirname(path)).catch(() => []);
  const graphs = files.filter((name) => /\.(json|png)$/.test(name));
  const templates = (await templateNames()).map((name) => `template:${name}`);
  const meant = didYouMean(basename(path), graphs) || didYouMean(`template:${basename(path, '.json')}`, templates);
  return meant || ' A graph is a file, template:NAME, or a PNG made by Noiseloom.';
}
