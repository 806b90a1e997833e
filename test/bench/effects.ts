import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startDevice } from '../../electron/cli/session.ts';
import { openFiles, writeAtomic } from '../../electron/files.ts';
import { fileFolders, packageFolder } from '../../electron/folders.ts';
import type { NodeContext } from '../../nodes/defineNode.ts';
import { library } from '../../nodes/index.ts';
import { deviceNames } from '../../nodes/ml/device.ts';
import { encodePng, toBytes } from '../../nodes/ml/image/encodePng.ts';
import { scoreImages } from '../../nodes/ml/image/scoreImages.ts';
import { tileImages } from '../../nodes/ml/image/tileImages.ts';
import { hypervolume, type Point } from '../../nodes/ml/pareto.ts';
import { dispose, norm } from '../../nodes/ml/tf.ts';
import { judgePicture } from '../../nodes/ml/world/judgePicture.ts';
import { loadGenerator } from '../../nodes/model/loadGenerator.ts';
import type { Generator, Reward } from '../../nodes/ports.ts';
import { countCalls } from './effects/countCalls.ts';
import { type Made, methodsOf, type Tools } from './effects/methods.ts';
import { chartOf, markdownOf, rowsOf, tableOf } from './effects/report.ts';
import { type Result, type Trial, trialsOf } from './effects/trial.ts';

/*
 * What the methods do for pictures of the built-in world, judged exactly. Writes a line a picture as it goes (so that a run that was
 * stopped goes on where it was), then a Markdown table, CSV, an SVG chart and a grid of pictures, into one folder.
 *
 *   noiseloom bench effects [--quick] [--out FOLDER] [--model MODEL] [--steps N] [--budget N] [--device NAME]
 *     [--reward TYPE ...]   nodes that give rewards: the first is optimised alone, all of them together
 *     [--held-out TYPE ...] nodes that give rewards which only judge
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    model: { type: 'string', default: 'builtin:world' },
    steps: { type: 'string' },
    'more-steps': { type: 'string' },
    budget: { type: 'string' },
    prompts: { type: 'string' },
    seeds: { type: 'string' },
    device: { type: 'string', default: 'auto' },
    reward: { type: 'string', multiple: true, default: ['reward/colourfulness'] },
    'held-out': { type: 'string', multiple: true, default: [] },
  },
});
const sizes = options.quick
  ? { prompts: 1, seeds: 1, budget: 4, steps: 2 }
  : { prompts: 12, seeds: 4, budget: 50, steps: 0 };
const size = (name: 'prompts' | 'seeds' | 'budget' | 'steps') => Number(options[name] ?? sizes[name]);
const folder = resolve(options.out ?? join('out', 'effects', options.quick ? 'quick' : 'full'));
const picturesFolder = join(folder, 'pictures');
await mkdir(picturesFolder, { recursive: true });

const device = await startDevice([...deviceNames, 'auto' as const].find((name) => name === options.device) ?? 'auto');
const files = openFiles(fileFolders(packageFolder));
const context: NodeContext = {
  signal: new AbortController().signal,
  device,
  files,
  progress: async () => {},
  remark: () => {},
  save: () => {},
};
const loaded = await loadGenerator.run(
  {},
  { ...initialsOf('model/load-generator'), model: options.model } as never,
  context,
);
const counter = countCalls(loaded.generator);
const [optimised, heldOut] = [await rewardsOf(options.reward), await rewardsOf(options['held-out'])];
const steps = size('steps') || loaded.generator.defaults.steps;

const resultsFile = join(folder, 'results.jsonl');
const lines = (await readFile(resultsFile, 'utf8').catch(() => '')).split('\n').filter((line) => line.endsWith('}'));
await writeAtomic(resultsFile, lines.map((line) => `${line}\n`).join('')); // without a line that was cut off: it is done again
const results = lines.map((line) => JSON.parse(line) as Result);
const find = (method: string, { prompt, seed }: Trial) =>
  results.find((each) => each.method === method && each.prompt === prompt && each.seed === seed);

const tools: Tools = {
  generator: counter.generator,
  single: optimised[0]!,
  ensemble: optimised,
  steps,
  moreSteps: Number(options['more-steps'] ?? 4 * steps),
  budget: size('budget'),
  context,
  secondsOf: (method, trial) => find(method, trial)?.seconds ?? Number.NaN,
};
const methods = methodsOf(tools);
const trials = trialsOf(size('prompts'), size('seeds'));
console.log(
  `${trials.length} trials of ${Object.keys(methods).length} methods on ${device.name}: ${device.description}`,
);

const warm = await methods['one sample']!(trials[0]!, tools); // compiles and loads what the first one would pay for
free(warm);
for (const [t, trial] of trials.entries()) {
  for (const [method, make] of Object.entries(methods)) {
    if (find(method, trial)) continue;
    const [before, start] = [counter.calls(), performance.now()];
    const made = await make(trial, tools);
    const seconds = (performance.now() - start) / 1000;
    const result = await judge(made, trial, method, { seconds, calls: counter.calls() - before });
    await appendFile(resultsFile, `${JSON.stringify(result)}\n`);
    results.push(result);
    console.log(
      `${t + 1}/${trials.length} ${method}: ${result.correct ? 'right' : 'wrong'}, ${seconds.toFixed(1)} s, ${trial.prompt}`,
    );
  }
}
await writeReport();

/** A node's own params. */
function initialsOf(type: string): Record<string, unknown> {
  const { params } = library.get(type)!;
  return Object.fromEntries(Object.entries(params).map(([name, param]) => [name, param.initial]));
}

/** The rewards of nodes without inputs, by type. */
async function rewardsOf(types: readonly string[]): Promise<Reward[]> {
  return Promise.all(
    types.map(async (type) => {
      const node = library.get(type);
      if (!node?.outputs.reward || Object.keys(node.inputs).length > 0)
        throw new Error(`"${type}" is no node that gives a reward from params alone.`);
      return ((await node.run({}, initialsOf(type), context)) as { reward: Reward }).reward;
    }),
  );
}

async function judge(
  made: Made,
  trial: Trial,
  method: string,
  cost: { seconds: number; calls: number },
): Promise<Result> {
  const { images, noise } = made;
  try {
    const pixels = (await images.pixels.data()) as Float32Array;
    const { correct, satisfied } = judgePicture(pixels, trial.prompt);
    const judges = [...optimised, ...heldOut];
    const [scores] = await scoreImages(judges, images.pixels, [trial.prompt]);
    const length = norm(noise.latents);
    const [reached] = await length.data();
    length.dispose();
    const [, height, width] = images.pixels.shape;
    await writeAtomic(
      join(picturesFolder, pictureName(method, trial)),
      encodePng({ width, height, rgb: toBytes(pixels) }),
    );
    const named = Object.fromEntries(judges.map(({ name }, i) => [name, scores![i]!]));
    return {
      method,
      ...trial,
      correct,
      satisfied,
      scores: named,
      ...cost,
      length: reached! / Math.sqrt(noise.latents.size),
      ...(made.seen && { volume: volumeOf(made.seen) }),
    };
  } finally {
    free(made);
  }
}

/** Of the part of the usual ranges that some point dominates; a point beyond a range's top counts as at it. */
function volumeOf(seen: readonly Point[]): number {
  const points = seen.map((scores) =>
    scores.map((score, k) => {
      const [low, high] = optimised[k]!.usualRange;
      return Math.min(1, (score - low) / (high - low));
    }),
  );
  return hypervolume(
    points,
    optimised.map(() => 0),
  );
}

function free({ images, noise }: Made): void {
  dispose([images.pixels, noise.latents]);
}

function pictureName(method: string, { prompt, seed }: Trial): string {
  const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${slug(prompt)}-${seed}-${slug(method)}.png`;
}

async function writeReport(): Promise<void> {
  const names = Object.keys(methods);
  const rows = rowsOf(results, names);
  const columns = `Columns of the grid: ${names.join('; ')}. Rows: one prompt of each task, seed 0.`;
  const { generator } = loaded as { generator: Generator };
  const about = `${generator.name}, ${steps} steps, budget ${tools.budget} evaluations, ${rows[0]?.trials} pictures a method; optimised: ${optimised.map(({ name }) => name).join(', ')}; held out: the exact judge${heldOut.map(({ name }) => `, ${name}`).join('')}.`;
  const command = `noiseloom bench effects ${process.argv.slice(2).join(' ')}`.trim();
  await writeAtomic(join(folder, 'effects.md'), `${markdownOf(rows)}\n${about} ${columns} Made by \`${command}\`.\n`);
  await writeAtomic(join(folder, 'effects.csv'), tableOf(rows));
  await writeAtomic(join(folder, 'effects.svg'), chartOf(rows));
  const shown = trials.slice(0, 6);
  const grid = await Promise.all(
    shown.map((trial) =>
      Promise.all(
        names.map(async (method) =>
          files.decodeImage(await readFile(join(picturesFolder, pictureName(method, trial)))),
        ),
      ),
    ),
  );
  await writeAtomic(join(folder, 'effects.png'), encodePng(tileImages(grid, { gap: 2, enlarge: 2 })));
  console.log(`\n${markdownOf(rows)}\n${about}\n${folder}`);
}
