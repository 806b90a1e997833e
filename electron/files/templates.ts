import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { templatesFolder } from './folders.ts';

/** A graph that comes with the program. */
export interface Template {
  readonly name: string;
  readonly title: string;
  /** The first note of the graph: what it does, in a sentence or two. */
  readonly summary: string;
  readonly text: string;
  readonly image: boolean;
}

/** Names for `template:NAME`. */
export async function listTemplateNames(): Promise<string[]> {
  const names = await readdir(templatesFolder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** `name` is one of `listTemplateNames`. */
export function readTemplate(name: string): Promise<string> {
  return readFile(join(templatesFolder, `${name}.json`), 'utf8');
}

/** The graphs that come with the program, `first-image` first. A PNG of the same name beside one is its image. */
export async function listTemplates(): Promise<Template[]> {
  const names = (await listTemplateNames()).sort((a, b) => Number(b === 'first-image') - Number(a === 'first-image'));
  return Promise.all(
    names.map(async (name) => {
      const text = await readTemplate(name);
      const { title, notes } = JSON.parse(text) as GraphDocument;
      return { name, title, summary: notes?.[0]?.text ?? '', text, image: existsSync(imagePath(name)) };
    }),
  );
}

export async function readTemplateImage(name: string): Promise<Uint8Array | undefined> {
  const known = (await listTemplateNames()).includes(name) && existsSync(imagePath(name));
  return known ? new Uint8Array(await readFile(imagePath(name))) : undefined;
}

function imagePath(name: string): string {
  return join(templatesFolder, `${name}.png`);
}
