import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type sharp from 'sharp';
import type { Problem } from '../../graphs/document/problems.ts';
import { didYouMean } from '../../graphs/document/suggest.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import type { Scores } from '../../nodes/ports.ts';
import { collect } from './collect.ts';
import { exitCodes } from './exitCodes.ts';
import { parseDevice } from './parseDevice.ts';
import { parseOverrides } from './parseOverrides.ts';
import { showProgress } from './progress.ts';
import { nameScoreNode, type SizedImage, scoreGraph, sizedBatches } from './scoreGraph.ts';
import { columns, print, printJson, problemInWords, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface ScoreFlags {
  readonly reward: readonly string[];
  readonly prompt?: string;
  readonly set: readonly string[];
  readonly batch: number;
  readonly device: string;
  readonly json?: boolean;
}

export function addScoreCommand(program: Command): void {
  program
    .command('score')
    .summary('score images by rewards')
    .description('Scores images of any sizes by rewards and prints a table, a line an image.')
    .argument('<images...>', 'image files, and folders of them')
    .requiredOption('-r, --reward <name>', 'a reward node, e.g. colourfulness (repeat for more)', collect)
    .option('-p, --prompt <text>', 'what they should show; by default the prompt that an image of Noiseloom holds')
    .option('-s, --set <reward.param=value>', 'set a param of a reward (repeat for more)', collect, [])
    .option('-b, --batch <count>', 'images scored at once', wholeNumber, 8)
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu', 'auto')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample: noiseloom score holiday/*.jpg --reward colourfulness')
    .action(async (images: string[], flags: ScoreFlags) => {
      process.exitCode = await score(images, flags);
    });
}

/** An image that cannot be read is reported and skipped; the exit code is then 1. */
async function score(locations: readonly string[], flags: ScoreFlags): Promise<number> {
  const [
    { library },
    { openFiles, loadSharp },
    { fileFolders },
    { anywhere },
    { startDevice, startEngine },
    { abortOnInterrupt },
  ] = await Promise.all([
    import('../../nodes/index.ts'),
    import('../files/files.ts'),
    import('../files/folders.ts'),
    import('../files/paths.ts'),
    import('../engine/startEngine.ts'),
    import('./interrupt.ts'),
  ]);
  const rewards = new Map(flags.reward.map((name) => rewardNamed(name, library)));
  const overrides = parseOverrides(flags.set, 'hps.model=my-folder');
  const preference = parseDevice(flags.device);
  const { images, problems } = await sizedImages(await imagePaths(locations), await loadSharp());
  const batches = sizedBatches(images, flags.batch);
  const device = await startDevice(preference);
  const engine = startEngine(device, openFiles(fileFolders(process.cwd(), anywhere)));
  const progress = showProgress(process.stderr);
  progress.start('Scoring');
  const scored = new Map<string, Scores>();
  let done = 0;
  const { status } = await engine.run(
    scoreGraph(batches, rewards, flags.prompt),
    { overrides },
    (event) => {
      if (event.type === 'problem') problems.push(event.problem);
      if (event.type === 'node-progress' && rewards.has(event.node)) progress.update(0, event.text);
      if (event.type !== 'scores') return;
      scored.set(event.node, event.scores);
      done += event.scores.values.length;
      progress.update(done / images.length, `${done} of ${images.length}`);
    },
    (await abortOnInterrupt()).signal,
  );
  progress.stop();
  const rows = new Map(batches.flatMap((batch, i) => toRows(batch, scored.get(nameScoreNode(i)))));
  const inOrder = images.flatMap(({ path }) => rows.get(path) ?? []);
  const codes = {
    done: exitCodes.done,
    failed: exitCodes.failed,
    cancelled: exitCodes.interrupted,
    invalid: exitCodes.invalid,
  };
  const exitCode = status === 'done' && problems.length > 0 ? exitCodes.failed : codes[status];
  if (flags.json) printJson({ type: 'result', ok: exitCode === 0, status, exitCode, images: inOrder, problems });
  else {
    for (const problem of problems) remark(`${problem.code}  ${problemInWords(problem)}`);
    if (inOrder.length > 0) print(formatTable(inOrder));
  }
  return exitCode;
}

interface Row {
  readonly path: string;
  readonly prompt?: string;
  readonly scores: Readonly<Record<string, number>>;
}

function toRows(batch: readonly SizedImage[], scores: Scores | undefined): [path: string, row: Row][] {
  if (!scores) return [];
  const { names, values, labels } = scores;
  return batch.map(({ path }, row) => {
    const prompt = labels[row]?.prompt;
    const columns = names.map((name, column) => [name, values[row]?.[column]]);
    return [path, { path, ...(prompt !== undefined && { prompt }), scores: Object.fromEntries(columns) }];
  });
}

function formatTable(rows: readonly Row[]): string {
  const names = Object.keys(rows[0]?.scores ?? {});
  const cells = rows.map(({ path, scores }) => [
    relative(process.cwd(), path) || path,
    ...names.map((name) => scores[name]?.toPrecision(5) ?? ''),
  ]);
  return columns([['image', ...names], ...cells]);
}

/** A reward node by its type or the second part of it. Throws UsageError. */
function rewardNamed(name: string, cards: Cards): [id: string, card: NodeCard] {
  const rewards = [...cards.values()].filter(
    ({ inputs, outputs }) =>
      outputs.reward?.type === 'reward' &&
      Object.values(inputs).every(({ count, min }) => count === 'optional' || (count === 'many' && !min)),
  );
  const idOf = ({ type }: NodeCard) => type.slice(type.indexOf('/') + 1);
  const found = rewards.find((card) => card.type === name || idOf(card) === name);
  if (found) return [idOf(found), found];
  const names = rewards.map(idOf);
  throw new UsageError(
    `There is no reward "${name}" that scores images by itself.${didYouMean(name, names)} The rewards are ${names.join(', ')}.`,
  );
}

/** The files themselves, and the images directly inside folders in natural order; each once. Throws UsageError. */
async function imagePaths(locations: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const location of locations) {
    const path = resolve(location);
    const kind = await stat(path).catch(() => undefined);
    if (!kind) throw new UsageError(`There is no image or folder "${location}".`, 'NOT_FOUND');
    if (!kind.isDirectory()) found.push(path);
    else {
      const names = (await readdir(path)).filter((name) => /\.(png|jpe?g|webp|avif|gif|tiff?)$/i.test(name));
      const sorted = names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
      found.push(...sorted.map((name) => join(path, name)));
    }
  }
  if (found.length === 0) throw new UsageError(`There are no images in ${locations.join(', ')}.`, 'NO_IMAGES');
  return [...new Set(found)];
}

async function sizedImages(
  paths: readonly string[],
  read: typeof sharp,
): Promise<{ images: SizedImage[]; problems: Problem[] }> {
  const images: SizedImage[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    try {
      const { width, height } = (await read(path).metadata()).autoOrient;
      images.push({ path, width, height });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push({ code: 'BAD_IMAGE', message: `"${path}" is no image that can be read: ${reason}.`, at: {} });
    }
  }
  return { images, problems };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number above 0 is needed.');
  return value;
}
