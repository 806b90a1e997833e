import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { templatesFolder } from '../files/folders.ts';
import { readTemplate, templateNames } from '../files/graphText.ts';
import type { Template } from './ipc.ts';

/** The graphs that come with the program, `first-image` first. A PNG of the same name beside one is its image. */
export async function listTemplates(): Promise<Template[]> {
  const names = (await templateNames()).sort((a, b) => Number(b === 'first-image') - Number(a === 'first-image'));
  return Promise.all(
    names.map(async (name) => {
      const text = await readTemplate(name);
      const { title, notes } = JSON.parse(text) as GraphDocument;
      return { name, title, summary: notes?.[0]?.text ?? '', text, image: existsSync(imagePath(name)) };
    }),
  );
}

export async function readTemplateImage(name: string): Promise<Uint8Array | undefined> {
  const known = (await templateNames()).includes(name) && existsSync(imagePath(name));
  return known ? new Uint8Array(await readFile(imagePath(name))) : undefined;
}

function imagePath(name: string): string {
  return join(templatesFolder, `${name}.png`);
}
