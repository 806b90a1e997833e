import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { templatesFolder } from './folders.ts';

export type TemplatePurpose = 'begin' | 'optimise' | 'compare' | 'control' | 'score';

/** What each template is for, in the order in which they are shown. */
const purposes: Readonly<Record<string, readonly [TemplatePurpose, summary: string]>> = {
  'first-image': ['begin', 'Images of a few prompts, in seconds.'],
  reno: ['begin', 'ReNO: optimise the noise until the image fits its prompt.'],
  'best-of-n': ['begin', 'Draw many images and keep those that fit the prompt best.'],
  'best-of-n-then-reno': ['optimise', 'ReNO from the best of 25 noises.'],
  'reno-ensemble': ['optimise', 'ReNO by two rewards that are harder to deceive.'],
  'sd-turbo-reno': ['optimise', 'ReNO as published, with SD-Turbo and four rewards.'],
  find: ['optimise', 'FIND: learn which noise draws a prompt well, without gradients.'],
  'fk-steering': ['optimise', 'Copy what the rewards like while it samples.'],
  prune: ['optimise', 'Drop what promises least on the way, for half of the calls.'],
  'pareto-front': ['compare', 'Images that no other beats in one score without losing in another.'],
  'grid-of-settings': ['compare', 'One prompt with every combination of two settings.'],
  'compare-at-equal-compute': ['compare', 'Five ways to spend the same compute.'],
  'six-tasks': ['compare', "One prompt of each of GenEval's six tasks, judged exactly."],
  'keep-edges': ['control', 'New images with the edges of an old one.'],
  'consistency-reward': ['control', 'New images with the layout of an old one, by a reward.'],
  'train-controlnet-consistency': ['control', 'Teach a ControlNet to keep its condition.'],
  'most-colourful': ['score', 'Keep the most colourful images, with a table of all scores.'],
  'score-a-folder': ['score', 'Score the images of a folder and save the best.'],
};

/** A graph that comes with the program. */
export interface Template {
  readonly name: string;
  readonly title: string;
  /** What it is for, in one short sentence. */
  readonly summary: string;
  readonly purpose: TemplatePurpose;
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

/** The graphs that come with the program, by purpose. A PNG of the same name beside one is its image. */
export async function listTemplates(): Promise<Template[]> {
  const order = Object.keys(purposes);
  const names = (await listTemplateNames()).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return Promise.all(
    names.map(async (name) => {
      const text = await readTemplate(name);
      const { title } = JSON.parse(text) as GraphDocument;
      const [purpose, summary] = purposes[name] ?? ['compare', ''];
      return { name, title, summary, purpose, text, image: existsSync(imagePath(name)) };
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
