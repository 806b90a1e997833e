import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../../../electron/files/disk.ts';
import type { Files } from '../../../nodes/files.ts';
import { encodePng, type RgbImage, toBytes } from '../../../nodes/ml/image/encodePng.ts';
import { tileImages } from '../../../nodes/ml/image/tileImages.ts';
import { conditionImage } from '../../../nodes/ml/world/conditionImage.ts';
import { SCENE_SIZE } from '../../../nodes/ml/world/scene.ts';
import type { ConditionResult, ConditionTrial } from './consistency.ts';
import { curvesOf, drawCurves } from './curves.ts';
import { type Goal, goalsOf } from './goals.ts';
import { frontMethod } from './populations.ts';
import { chartOf, inWords, type Judging, markdownOf, rowsOf, tableInMarkdown, tableOf, volumeGain } from './report.ts';
import { conditionMarkdownOf, conditionRowsOf, conditionTableOf } from './reportConsistency.ts';
import { keyOf } from './runTrials.ts';
import type { Result, Trial } from './trial.ts';

/** All that a report tells of. */
export interface Findings {
  readonly folder: string;
  /** What was done, as a title and sentences, by which command, and at which commit, when. */
  readonly title: string;
  readonly about: string;
  readonly command: string;
  readonly checkout: string;
  readonly judging: Judging;
  readonly results: readonly Result[];
  readonly trials: readonly Trial[];
  readonly conditionResults: readonly ConditionResult[];
  readonly conditionTrials: readonly ConditionTrial[];
  readonly conditionMethods: readonly string[];
  /** The method that others which keep to a condition are compared with. */
  readonly plain: string;
}

/** The name that the image of a method and a trial has in `images`. */
export function imageName(method: string, trial: Trial & { readonly kind?: string }): string {
  const name = `${keyOf(trial)} ${method}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${name.replace(/^-/, '')}.png`;
}

/** Writes tables, charts and grids of what there is so far into the folder; gives the text and the goals. */
export async function writeReport(findings: Findings, files: Files): Promise<{ text: string; goals: Goal[] }> {
  const { folder, results, plain } = findings;
  const rows = rowsOf(results, findings.judging);
  const conditionRows = conditionRowsOf(findings.conditionResults, findings.conditionMethods, plain);
  const goals = goalsOf(rows, conditionRows, plain);
  const fixed = rows.filter(({ method, volume }) => volume !== undefined && method !== frontMethod);
  const volumes = rows.some(({ method }) => method === frontMethod)
    ? fixed.map(({ method }) => ({ label: method, gain: volumeGain(results, frontMethod, method) }))
    : [];
  const [methods, conditionMethods] = [rows.map(({ method }) => method), conditionRows.map(({ method }) => method)];
  const text = [
    `# ${findings.title}`,
    `${markdownOf(rows)}\n${rows[0]?.trials ?? 0} images a method. ${findings.about} Columns of effects.png: ${methods.join('; ')}.`,
    `## Hypervolume of ${frontMethod} less that of fixed weightings`,
    tableInMarkdown(
      ['fixed weighting', 'difference (95 %)'],
      volumes.map(({ label, gain }) => [label, inWords(gain)]),
    ),
    '## Keeping to a condition',
    `${conditionMarkdownOf(conditionRows)}\n${conditionRows[0]?.trials ?? 0} images a method, by what the exact judge sees in them; differences are from "${plain}", with 95 % intervals; of RMSE, less is better. Columns of consistency.png: the condition; ${conditionMethods.join('; ')}.`,
    '## Goals',
    tableInMarkdown(
      ['goal', 'reached', ''],
      goals.map(({ goal, reached, met }) => [goal, reached, met ? 'met' : 'missed']),
    ),
    `Made by \`${findings.command}\` ${findings.checkout}.`,
  ].join('\n\n');
  const gains = rows.map(({ method, gain }) => ({ label: method, gain }));
  const scenes = findings.conditionTrials.filter(
    (trial, i, all) => all.findIndex(({ kind, task }) => kind === trial.kind && task === trial.task) === i,
  );
  const image = (trial: Trial) => (method: string) => readImage(folder, imageName(method, trial), files);
  const [grid, conditionGrid] = [
    await rowsOfImages(findings.trials.slice(0, 6).map((trial) => methods.map(image(trial)))),
    await rowsOfImages(scenes.map((trial) => [conditionOf(trial), ...conditionMethods.map(image(trial))])),
  ];
  await Promise.all(
    Object.entries({
      'effects.md': `${text}\n`,
      'effects.csv': tableOf(rows),
      'consistency.csv': conditionTableOf(conditionRows),
      'effects.svg': chartOf(`share of correct images less that of ${methods[0]}`, gains),
      'curves.svg': drawCurves(curvesOf(rows, findings.judging.methods)),
      'volume.svg': chartOf(`hypervolume of ${frontMethod} less that of`, volumes),
      // A part that was not asked for has no images.
      ...(methods.length > 0 && { 'effects.png': encodePng(tileImages(grid, { gap: 2, enlarge: 2 })) }),
      ...(conditionMethods.length > 0 && {
        'consistency.png': encodePng(tileImages(conditionGrid, { gap: 2, enlarge: 2 })),
      }),
    }).map(([name, content]) => writeAtomic(join(folder, name), content)),
  );
  return { text, goals };
}

const rowsOfImages = (rows: readonly (readonly (RgbImage | Promise<RgbImage>)[])[]) =>
  Promise.all(rows.map((row) => Promise.all(row)));

function conditionOf({ kind, scene }: ConditionTrial): RgbImage {
  return { width: SCENE_SIZE, height: SCENE_SIZE, rgb: toBytes(conditionImage(kind, scene)) };
}

/** An image that was made, or nothing where it has not been yet. */
async function readImage(folder: string, name: string, files: Files): Promise<RgbImage> {
  const bytes = await readFile(join(folder, 'images', name)).catch(() => undefined);
  return bytes ? files.decodeImage(bytes) : { width: 0, height: 0, rgb: new Uint8Array() };
}
