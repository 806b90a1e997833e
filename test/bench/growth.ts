import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { devices } from '../../electron/devices/devices.ts';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders, packageFolder, templatesFolder } from '../../electron/files/folders.ts';
import type { GraphDocument, GraphNode } from '../../graphs/document/document.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import { library } from '../../nodes/index.ts';
import { type DevicePreference, openDevice } from '../../nodes/ml/device.ts';
import { memory } from '../../nodes/ml/tf.ts';
import { median, printJson, printTable } from './speed/figures.ts';

/*
 * Whether time grows in proportion to evaluations, images and nodes, and whether memory stays flat over many runs, on the
 * built-in models through whole runs of the engine. Prints tables and whether the goals are met, then the same as JSON;
 * exits 1 where one is not.
 *
 *   npm run bench -- growth [--device NAME] [--rounds N] [--runs N]
 */
const { values: given } = parseArgs({
  options: {
    device: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '3' },
    runs: { type: 'string', default: '200' },
  },
});
const mostSlope = 1.25; // of the last step up over the first
const mostBytes = 32 * 2 ** 20; // that the process may grow by from the first quarter of the runs on

const device = await openDevice(given.device as DevicePreference, devices);
console.log(`On ${device.name}: ${device.description}.\n`);
const engine = createEngine({ library, device, files: openFiles(fileFolders(packageFolder)), cacheBudget: 0 });
const template = async (name: string) =>
  readGraph(await readFile(join(templatesFolder, `${name}.json`), 'utf8'), library).document;
const reno = await template('reno');
const image = await template('first-image');

/** Seconds of a run. */
async function secondsOf(graph: GraphDocument, overrides: Readonly<Record<string, number>>): Promise<number> {
  const start = performance.now();
  const { status } = await engine.run(graph, { overrides }, () => {});
  if (status !== 'done') throw new Error(`"${graph.title}" ended with ${status}.`);
  return (performance.now() - start) / 1000;
}

/** The graph of one image with `count` samplers, each with a noise of its own. */
function samplers(count: number): GraphDocument {
  const { generator, noise, prompts, sample } = image.nodes as Readonly<Record<string, GraphNode>>;
  const own = Array.from({ length: count }, (_, i): [string, GraphNode][] => [
    [`noise${i}`, { ...noise!, params: { count: 1, seed: i } }],
    [
      `sample${i}`,
      { ...sample!, params: { steps: 2 }, inputs: { ...sample!.inputs, noise: [[`noise${i}`, 'noise']] } },
    ],
  ]);
  return { ...image, nodes: { generator: generator!, prompts: prompts!, ...Object.fromEntries(own.flat()) } };
}

const kinds: Readonly<Record<string, { sizes: readonly number[]; run(size: number): Promise<number> }>> = {
  'ReNO evaluations': {
    sizes: [10, 20, 40, 80],
    run: (size) => secondsOf(reno, { 'noise.count': 1, 'reno.evaluations': size }),
  },
  images: { sizes: [4, 8, 16, 32], run: (size) => secondsOf(image, { 'noise.count': size, 'sample.steps': 2 }) },
  nodes: { sizes: [4, 8, 16, 32], run: (size) => secondsOf(samplers(size), {}) },
};

const growth = [];
for (const [kind, { sizes, run }] of Object.entries(kinds)) {
  const times = sizes.map((): number[] => []);
  await run(sizes[0]!);
  for (let round = 0; round < Number(given.rounds); round++)
    for (const [i, size] of sizes.entries()) times[i]!.push(await run(size));
  const seconds = times.map(median);
  const slopes = sizes.map((size, i) =>
    i === 0 ? Number.NaN : (seconds[i]! - seconds[i - 1]!) / (size - sizes[i - 1]!),
  );
  printTable(
    [kind, 'seconds', 'ms more for each more', 'of the first step up'],
    sizes.map((size, i) => [String(size), seconds[i]!, slopes[i]! * 1e3, slopes[i]! / slopes[1]!]),
  );
  growth.push({ kind, sizes, seconds, slope: slopes.at(-1)! / slopes[1]! });
}

const runs = Number(given.runs);
const shown = [1, runs / 4, runs / 2, (3 * runs) / 4, runs].map(Math.round);
const flat = [];
for (let run = 1; run <= runs; run++) {
  await secondsOf(reno, { 'noise.count': 2, 'noise.seed': run, 'reno.evaluations': 3 });
  if (shown.includes(run))
    flat.push({ run, tensors: memory().numTensors, bytes: memory().numBytes, rss: process.memoryUsage().rss });
}
printTable(
  ['runs', 'tensors', 'their MiB', 'process MiB'],
  flat.map(({ run, tensors, bytes, rss }) => [String(run), tensors, bytes / 2 ** 20, rss / 2 ** 20]),
);

const [, quarter] = flat;
const last = flat.at(-1)!;
const goals = [
  ...growth.map(({ kind, slope }) => ({ name: `time in proportion to ${kind}`, met: slope <= mostSlope })),
  { name: `no tensor more after ${runs} runs`, met: last.tensors === flat[0]!.tensors },
  {
    name: `at most ${mostBytes / 2 ** 20} MiB more in the last three quarters of the runs`,
    met: last.rss - quarter!.rss <= mostBytes,
  },
];
for (const { name, met } of goals) console.log(`${met ? 'ok  ' : 'FAIL'}  ${name}`);
process.exitCode = goals.every(({ met }) => met) ? 0 : 1;
printJson({ bench: 'growth', growth, flat });
