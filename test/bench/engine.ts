import { emptyDocument, type GraphDocument, type GraphNode, type Wire } from '../../graphs/document/document.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import { cacheKeys } from '../../graphs/run/cacheKeys.ts';
import { planRun } from '../../graphs/run/plan.ts';
import { defineNode, libraryOf, optional } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { number } from '../../nodes/params.ts';

/*
 * What the engine itself costs: graphs of nodes that do nothing, through `engine.run` whole (check, plan, cache keys,
 * run, two events a node). Prints a table and whether the goals are met; exits 1 where one is not.
 */

const nothing = defineNode({
  type: 'bench/nothing',
  version: 1,
  title: 'Nothing',
  summary: 'Passes on its first input.',
  inputs: { a: optional('number'), b: optional('number') },
  params: { value: number({ initial: 0, min: 0, max: 1e9, help: 'What it gives where nothing is connected.' }) },
  outputs: { number: 'number' },
  run: ({ a }, { value }) => ({ number: a ?? value }),
});
const library = libraryOf([nothing]);

const shapes = {
  chain: (size: number) => graphOf(size, (i) => (i === 0 ? [] : [i - 1])),
  layers(size: number) {
    const width = Math.round(Math.sqrt(size));
    return graphOf(size, (i) => {
      const layer = Math.floor(i / width);
      return layer === 0 ? [] : [i - width, (layer - 1) * width + ((i + 1) % width)];
    });
  },
  bundles: (size: number) => graphOf(size, (i) => (i % 10 === 0 ? [] : [i - 1])),
};

function graphOf(size: number, sourcesOf: (i: number) => readonly number[]): GraphDocument {
  const nodes = Array.from({ length: size }, (_, i): [string, GraphNode] => {
    const wires = sourcesOf(i).map((source, port) => [port === 0 ? 'a' : 'b', [[`n${source}`, 'number'] as Wire]]);
    const inputs: GraphNode['inputs'] = Object.fromEntries(wires);
    return [`n${i}`, { type: nothing.type, version: 1, params: { value: i }, inputs, position: [0, 0] }];
  });
  return { ...emptyDocument('bench'), nodes: Object.fromEntries(nodes) };
}

/** The graph with another value at a node in the middle. */
function changed(graph: GraphDocument, size: number): GraphDocument {
  const id = `n${Math.floor(size / 2)}`;
  const node = graph.nodes[id] as GraphNode;
  return { ...graph, nodes: { ...graph.nodes, [id]: { ...node, params: { value: 1e6 } } } };
}

/** Milliseconds by the clock, and of processor time over all threads: the latter stays true on a busy machine. */
interface Time {
  readonly clock: number;
  readonly processor: number;
}
type Times = Readonly<Record<'first' | 'cached' | 'change' | 'keys', Time>>;

function startTimer(): () => Time {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(usage);
    return { clock: performance.now() - start, processor: (user + system) / 1000 };
  };
}

async function measure(graph: GraphDocument, size: number): Promise<Times> {
  const device = { name: 'cpu', description: '', memory: {} } as const;
  const engine = createEngine({ library, device, files: {} as Files, cacheBudget: 2 ** 30 });
  let told = 0;
  const timeRun = async (document: GraphDocument) => {
    const stop = startTimer();
    const { status, ran, cached } = await engine.run(document, {}, () => told++);
    const time = stop();
    if (status !== 'done' || ran + cached !== size)
      throw new Error(`${status}: ${ran} ran, ${cached} cached of ${size}`);
    return { time, ran };
  };
  const first = await timeRun(graph);
  const cached = await timeRun(graph);
  const change = await timeRun(changed(graph, size));
  if (first.ran !== size || cached.ran !== 0 || change.ran < 1 || change.ran === size)
    throw new Error('wrong nodes ran');
  const plan = planRun(graph, library);
  const stop = startTimer();
  cacheKeys(plan, new Map());
  return { first: first.time, cached: cached.time, change: change.time, keys: stop() };
}

/** The least of several times: what the work takes when nothing comes in between. */
function best(times: readonly Time[]): Time {
  return {
    clock: Math.min(...times.map(({ clock }) => clock)),
    processor: Math.min(...times.map(({ processor }) => processor)),
  };
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(i < 2 ? 9 : 24)).join('');
}

const sizes = [100, 1_000, 3_000, 100_000];
const columns = ['first', 'cached', 'change', 'keys'] as const;
const cold = await measure(shapes.layers(1_000), 1_000);
console.log('1,000 layered nodes in a cold process, nothing compiled yet:');
console.log(`  first run ${cold.first.clock.toFixed(1)} ms, all cached ${cold.cached.clock.toFixed(1)} ms\n`);
console.log('Best of several fresh engines: ms by the clock | ms of processor time (us a node)');
console.log(line(['shape', 'nodes', 'first run', 'all cached', 'one changed', 'cache keys']));

let worst = 0;
const layered: Partial<Record<string, number>> = {};
for (const [shape, build] of Object.entries(shapes)) {
  for (const size of sizes) {
    const graph = build(size);
    const times: Times[] = [];
    for (let i = 0; i < (size > 10_000 ? 4 : 15); i++) times.push(await measure(graph, size));
    const cells = columns.map((column) => {
      const { clock, processor } = best(times.map((time) => time[column]));
      const each = (processor * 1000) / size;
      worst = Math.max(worst, each);
      if (shape === 'layers' && size === 1_000) layered[column] = processor;
      return `${clock.toFixed(1)} | ${processor.toFixed(1)} (${each.toFixed(1)})`;
    });
    console.log(line([shape, size.toLocaleString('en'), ...cells]));
  }
}

const goals: readonly [name: string, value: number, goal: number, unit: string][] = [
  ['most a node takes, at any shape and size', worst, 20, 'us'],
  ['1,000 layered nodes, first run', layered.first as number, 20, 'ms'],
  ['1,000 layered nodes, all cached', layered.cached as number, 10, 'ms'],
];
console.log();
for (const [name, value, goal, unit] of goals) {
  console.log(
    `${value <= goal ? 'ok  ' : 'FAIL'}  ${name}: ${value.toFixed(1)} ${unit} of processor time (goal ${goal})`,
  );
}
process.exitCode = goals.every(([, value, goal]) => value <= goal) ? 0 : 1;
