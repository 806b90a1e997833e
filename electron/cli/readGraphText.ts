import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { didYouMean } from '../../graphs/document/suggest.ts';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { isPng } from '../../nodes/ml/image/pngText.ts';
import { extractGraphText, MAX_GRAPH_BYTES } from '../files/graphText.ts';
import { listTemplateNames, readTemplate } from '../files/templates.ts';
import { UsageError } from './usageError.ts';

interface GraphText {
  readonly text: string;
  /** What relative paths in the graph start from. */
  readonly workingFolder: string;
}

/**
 * The text of a graph: a graph file (whose relative paths start at its folder), `template:NAME`, or a PNG that this
 * program made (relative paths of both start at the current folder).
 * Throws UsageError `NOT_FOUND`, UserError `NO_GRAPH`, `BAD_PNG`, `READ_FAILED`, `TOO_LARGE`.
 */
export async function readGraphText(location: string): Promise<GraphText> {
  if (location.startsWith('template:'))
    return { text: await readNamedTemplate(location.slice(9)), workingFolder: process.cwd() };
  const path = resolve(location);
  const bytes = await readBytes(path, location);
  const workingFolder = isPng(bytes) ? process.cwd() : dirname(path);
  return { text: extractGraphText(bytes, location), workingFolder };
}

/** Templates that were renamed, by their names in earlier versions. */
const formerNames: Readonly<Record<string, string>> = { 'first-picture': 'first-image' };

async function readNamedTemplate(asked: string): Promise<string> {
  const names = await listTemplateNames();
  const name = Object.hasOwn(formerNames, asked) ? formerNames[asked]! : asked;
  if (isPlainName(name) && names.includes(name)) return readTemplate(name);
  throw new UsageError(
    `There is no template "${name}".${didYouMean(name, names)} The templates are ${names.join(', ') || 'none'}.`,
    'NOT_FOUND',
  );
}

async function readBytes(path: string, location: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.size > MAX_GRAPH_BYTES && found.isFile())
      throw new UserError(
        'TOO_LARGE',
        `"${location}" has ${found.size} bytes; a graph has at most ${MAX_GRAPH_BYTES}.`,
      );
    if (!found.isDirectory()) return await readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') {
      throw new UserError('READ_FAILED', `The graph "${location}" could not be read: ${cause.message}.`, { cause });
    }
    throw new UsageError(`There is no graph "${location}".${await suggestion(path)}`, 'NOT_FOUND');
  }
  throw new UsageError(`"${location}" is a folder. Name a graph file in it.`, 'NOT_FOUND');
}

/** A graph of the same folder, or a template, that may have been meant; else what a graph can be. */
async function suggestion(path: string): Promise<string> {
  const files = await readdir(dirname(path)).catch(() => []);
  const graphs = files.filter((name) => /\.(json|png)$/.test(name));
  const templates = (await listTemplateNames()).map((name) => `template:${name}`);
  const meant = didYouMean(basename(path), graphs) || didYouMean(`template:${basename(path, '.json')}`, templates);
  return meant || ' A graph is a file, template:NAME, or a PNG made by Noiseloom.';
}
