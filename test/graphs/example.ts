import fc from 'fast-check';
import { emptyDocument, type GraphDocument, type GraphNode, type Wire } from '../../graphs/document/document.ts';
import { createEngine, type Engine, type RunOptions } from '../../graphs/engine/engine.ts';
import type { RunEvent } from '../../graphs/run/events.ts';
import { defineNode, libraryOf, list, many, one, optional } from '../../nodes/defineNode.ts';
import { UserError } from '../../nodes/errors.ts';
import type { Files } from '../../nodes/files.ts';
import * as tf from '../../nodes/ml/tf.ts';
import { choice, integer, model, number, seed, text } from '../../nodes/params.ts';
import type { Noise, Reward } from '../../nodes/ports.ts';
import { memoryFiles } from '../support/memoryFiles.ts';

/*
 * A small language for tests of the grammar: real nodes with real tensors, each doing as little as its purpose allows.
 */

const plain = { version: 1, summary: 'For tests.' } as const;
const help = 'For tests.';

const numberNode = defineNode({
  ...plain,
  type: 'test/number',
  title: 'Number',
  inputs: {},
  params: { value: number({ initial: 0, min: -100, max: 100, help }) },
  outputs: { number: 'number' },
  run: (_inputs, { value }) => ({ number: value }),
});

const numbers = defineNode({
  ...plain,
  type: 'test/numbers',
  title: 'Numbers',
  inputs: {},
  params: { count: integer({ initial: 3, min: 0, max: 20_000, help }) },
  outputs: { numbers: list('number') },
  run: (_inputs, { count }) => ({ numbers: Array.from({ length: count }, (_, i) => i) }),
});

const textNode = defineNode({
  ...plain,
  type: 'test/text',
  title: 'Text',
  inputs: {},
  params: { text: text({ initial: '', help }) },
  outputs: { text: 'text' },
  run: (_inputs, params) => params,
});

const sum = defineNode({
  ...plain,
  type: 'test/sum',
  title: 'Sum',
  inputs: { a: one('number'), b: optional('number') },
  params: {
    scale: number({ initial: 1, min: 0, max: 1000, help }),
    mode: choice({ initial: 'sum', options: ['sum', 'product'], help }),
  },
  outputs: { number: 'number' },
  run: ({ a, b = 0 }, { scale, mode }) => ({ number: scale * (mode === 'sum' ? a + b : a * b) }),
});

const divide = defineNode({
  ...plain,
  type: 'test/divide',
  title: 'Divide',
  inputs: { a: one('number') },
  params: {},
  outputs: { whole: 'number', rest: 'number' },
  run: ({ a }) => ({ whole: Math.floor(a / 2), rest: a % 2 }),
});

const total = defineNode({
  ...plain,
  type: 'test/total',
  title: 'Total',
  inputs: { numbers: many('number', { min: 1 }) },
  params: {},
  outputs: { number: 'number', text: 'text' },
  run: ({ numbers }) => ({ number: numbers.reduce((a, b) => a + b, 0), text: numbers.join(' ') }),
});

const noise = defineNode({
  ...plain,
  type: 'test/noise',
  title: 'Noise',
  inputs: {},
  params: { seed: seed({ initial: 0, help }) },
  outputs: { noise: 'noise' },
  run: (_inputs, params) => ({ noise: noiseOf(tf.fill([1, 2, 2, 1], params.seed % 7), params.seed) }),
});

function noiseOf(latents: tf.Tensor4D, from: number): Noise {
  return { latents, seeds: [from] };
}

const mix = defineNode({
  ...plain,
  type: 'test/mix',
  title: 'Mix',
  inputs: { a: one('noise'), b: optional('noise') },
  params: { scale: number({ initial: 1, min: -1e9, max: 1e9, help }) },
  outputs: { noise: 'noise' },
  run: async ({ a, b }, { scale }) => ({
    noise: noiseOf(
      tf.tidy(() => tf.mul(tf.add(a.latents, b?.latents ?? 1), scale)),
      a.seeds[0] as number,
    ),
  }),
});

/** Gives the very value it got: two owners of one tensor. */
const pass = defineNode({
  ...plain,
  type: 'test/pass',
  title: 'Pass',
  inputs: { noise: one('noise') },
  params: {},
  outputs: { noise: 'noise' },
  run: ({ noise }) => ({ noise }),
});

const split = defineNode({
  ...plain,
  type: 'test/split',
  title: 'Split',
  inputs: { noise: one('noise') },
  params: { count: integer({ initial: 2, min: 0, max: 5, help }) },
  outputs: { noises: list('noise') },
  run: ({ noise }, { count }) => ({
    noises: Array.from({ length: count }, (_, i) => noiseOf(tf.add(noise.latents, i), i)),
  }),
});

/** Every reward made by the library, with how often it was disposed of. */
export const rewards: (Reward & { readonly disposals: () => number })[] = [];

function rewardOf(name: string, score: Reward['score'], bytes: number): Reward {
  let disposals = 0;
  const alive = () => {
    if (disposals > 0) throw new Error(`${name} is used after it was disposed of`);
  };
  const reward = {
    name,
    bytes,
    differentiable: true,
    usualRange: [0, 1] as const,
    score: (...given: Parameters<Reward['score']>) => {
      alive();
      return score(...given);
    },
    dispose: () => void disposals++,
    disposals: () => disposals,
  };
  rewards.push(reward);
  return reward;
}

const loadReward = defineNode({
  ...plain,
  type: 'test/load-reward',
  title: 'Load reward',
  inputs: {},
  params: { model: model({ takes: 'clip', initial: 'mean', help }) },
  outputs: { reward: 'reward' },
  files: (params) => [params.model],
  async run(_inputs, params, { files }) {
    const bytes = await files.read(await files.locate(params.model));
    return { reward: rewardOf(params.model, (pixels) => tf.mean(pixels, [1, 2, 3]), bytes.length) };
  },
});

/** A reward made from another: it goes on using it. */
const negate = defineNode({
  ...plain,
  type: 'test/negate',
  title: 'Negate',
  inputs: { reward: one('reward') },
  params: {},
  outputs: { reward: 'reward' },
  run: ({ reward }) => ({
    reward: rewardOf(`-${reward.name}`, (pixels, prompts) => tf.tidy(() => tf.neg(reward.score(pixels, prompts))), 8),
  }),
});

const score = defineNode({
  ...plain,
  type: 'test/score',
  title: 'Score',
  inputs: { noise: one('noise'), rewards: many('reward', { min: 1 }) },
  params: {},
  outputs: { scores: 'scores' },
  run({ noise, rewards }) {
    const values = tf.tidy(() => rewards.map((reward) => reward.score(noise.latents, ['']).dataSync()[0] as number));
    return { scores: { names: rewards.map(({ name }) => name), values: [values], labels: [{}] } };
  },
});

const save = defineNode({
  ...plain,
  type: 'test/save',
  title: 'Save',
  inputs: { noise: one('noise') },
  params: { name: text({ initial: 'image-1.png', help }) },
  outputs: {},
  async run({ noise }, { name }, { save }) {
    save({ name, mime: 'image/png', bytes: new Uint8Array(await noise.latents.data()), label: { seed: 1 } });
  },
});

const fail = defineNode({
  ...plain,
  type: 'test/fail',
  title: 'Fail',
  inputs: { noise: one('noise') },
  params: {
    how: choice({ initial: 'user', options: ['user', 'program', 'nan', 'infinity', 'nothing', 'at two'], help }),
  },
  outputs: { noise: 'noise' },
  async run({ noise }, { how }) {
    if (how === 'user')
      throw new UserError('BAD_SIZE', 'The size is 3, but must be a multiple of 8.', { at: { param: 'how' } });
    if (how === 'program') throw new TypeError('x is not a function');
    if (how === 'at two') {
      if ((await noise.latents.data())[0] === 2) throw new UserError('BAD_NOISE', 'The noise is two.');
      return { noise: noiseOf(tf.clone(noise.latents), 0) };
    }
    if (how === 'nothing') return {} as { noise: Noise };
    return {
      noise: noiseOf(
        tf.tidy(() => tf.mul(noise.latents, how === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY)),
        0,
      ),
    };
  },
});

const preview = async () => ({ width: 1, height: 1, rgb: new Uint8Array(3) });

/** Takes its steps one by one, each with a new tensor, and frees them whatever happens. */
const loop = defineNode({
  ...plain,
  type: 'test/loop',
  title: 'Loop',
  inputs: { noise: one('noise') },
  params: { steps: integer({ initial: 5, min: 1, max: 1e9, help }) },
  outputs: { noise: 'noise' },
  async run({ noise }, { steps }, { progress, remark }) {
    if (steps === 4) remark('Four steps are unlucky.');
    let latents = tf.clone(noise.latents);
    try {
      for (let step = 1; step <= steps; step++) {
        const next: tf.Tensor4D = tf.add(latents, 1);
        tf.dispose(latents);
        latents = next;
        await progress(step / steps, `step ${step} of ${steps}`, preview);
      }
    } catch (error) {
      tf.dispose(latents);
      throw error;
    }
    return { noise: noiseOf(latents, 0) };
  },
});

/** Tells of its steps as an optimiser does, and hands over what it has where it is cancelled. */
const trail = defineNode({
  ...plain,
  type: 'test/trail',
  title: 'Trail',
  inputs: {},
  params: { steps: integer({ initial: 3, min: 1, max: 1e9, help }) },
  outputs: { trace: 'trace' },
  async run(_inputs, { steps }, { progress, save }) {
    const rows: number[][] = [];
    try {
      for (let step = 1; step <= steps; step++) {
        rows.push([step * step]);
        await progress(step / steps, undefined, undefined, { total: step * step });
      }
    } catch (error) {
      save({ name: 'so-far.txt', mime: 'text/plain', bytes: Uint8Array.of(rows.length) });
      throw error;
    }
    const columns = [{ name: 'total', role: 'total' as const }];
    return { trace: { columns, values: [rows], labels: [{}], kept: [steps - 1], remarks: ['It went up.'] } };
  },
});

export const exampleNodes = [
  numberNode,
  numbers,
  textNode,
  sum,
  divide,
  total,
  noise,
  mix,
  pass,
  split,
  loadReward,
  negate,
  score,
  save,
  fail,
  loop,
  trail,
];
export const library = libraryOf(exampleNodes);

type Connections = Readonly<Record<string, string | readonly string[]>>;
type NodeParams = GraphNode['params'];

/** A node: `node('sum', {scale: 2}, {a: 'number.number', b: 'other.number'})`; a wire is written `node.output`. */
export function node(
  name: string,
  params: NodeParams = {},
  connections: Connections = {},
  more: Partial<GraphNode> = {},
): GraphNode {
  const inputs = Object.entries(connections).map(([port, from]) => [port, [from].flat().map(wireOf)]);
  return { type: `test/${name}`, version: 1, params, inputs: Object.fromEntries(inputs), position: [0, 0], ...more };
}

function wireOf(written: string): Wire {
  const [from, output] = written.split('.');
  return [from as string, output as string];
}

export function graph(nodes: Readonly<Record<string, GraphNode>>, title = 'Example'): GraphDocument {
  return { ...emptyDocument(title), nodes };
}

/** Files of the tests: rewards by name, whose content can be changed. */
export function exampleFiles(): Files & { change(path: string, content: string): void } {
  const content: Record<string, string> = { mean: 'abc', other: 'defg' };
  return {
    ...memoryFiles({}),
    locate: async (location) => {
      if (!Object.hasOwn(content, location)) throw new UserError('NOT_FOUND', `There is no model "${location}".`);
      return location;
    },
    read: async (path) => new TextEncoder().encode(content[path]),
    fingerprint: async (path) => `fingerprint of ${content[path]}`,
    change: (path, changed) => {
      content[path] = changed;
    },
  };
}

const device = { name: 'cpu', description: 'The test device', memory: {} } as const;

export function exampleEngine(cacheBudget = 2 ** 20, files: Files = exampleFiles()): Engine {
  return createEngine({ library, device, files, cacheBudget });
}

/** Runs a graph to its end; gives what was told, and the ids of the nodes that ran and that were cached. */
export async function runOnce(engine: Engine, document: GraphDocument, options: RunOptions = {}, signal?: AbortSignal) {
  const events: RunEvent[] = [];
  const finished = await engine.run(document, options, (event) => events.push(event), signal);
  const nodesOf = (type: 'node-finished' | 'node-cached') =>
    events.flatMap((event) => (event.type === type ? [event.node] : [])).sort();
  const problems = events.flatMap((event) => (event.type === 'problem' ? [event.problem] : []));
  return { events, finished, problems, ran: nodesOf('node-finished'), cached: nodesOf('node-cached') };
}

interface Draw {
  readonly kind: number;
  readonly picks: readonly number[];
  readonly value: number;
  readonly muted: boolean;
}

const kinds = [
  'number',
  'noise',
  'mix',
  'pass',
  'sum',
  'total',
  'load-reward',
  'negate',
  'score',
  'save',
  'loop',
  'split',
];

/** Valid graphs of any shape: each node reads nodes drawn before it, and the document lists them in any order. */
export const anyGraph: fc.Arbitrary<GraphDocument> = fc
  .tuple(
    fc.array(
      fc.record<Draw>({
        kind: fc.nat(kinds.length - 1),
        picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
        value: fc.integer({ min: 0, max: 5 }),
        muted: fc.boolean(),
      }),
      { minLength: 1, maxLength: 14 },
    ),
    fc.infiniteStream(fc.nat(1000)),
  )
  .map(([draws, order]) => {
    const nodes: [string, GraphNode][] = [
      ['first-number', node('number', { value: 1 })],
      ['first-noise', node('noise', { seed: 1 })],
      ['first-reward', node('load-reward')],
    ];
    for (const draw of draws) nodes.push([`n${nodes.length}`, drawNode(draw, nodes)]);
    const ranked = nodes.map((entry) => [order.next().value as number, entry] as const);
    return graph(Object.fromEntries(ranked.sort(([a], [b]) => a - b).map(([, entry]) => entry)));
  });

function drawNode({ kind, picks, value, muted }: Draw, before: readonly [string, GraphNode][]): GraphNode {
  const from = (type: 'number' | 'noise' | 'reward', pick: number) => {
    const wires = before.flatMap(([id, { type: nodeType }]) =>
      Object.entries(library.get(nodeType)?.outputs ?? {})
        .filter(([, port]) => port.type === type && !port.list)
        .map(([output]) => `${id}.${output}`),
    );
    return wires[pick % wires.length] as string;
  };
  const [p, q, r] = picks as [number, number, number];
  const name = kinds[kind] as string;
  switch (name) {
    case 'number':
      return node(name, { value });
    case 'noise':
      return node(name, { seed: value });
    case 'sum':
      return node(name, { scale: value }, { a: from('number', p), ...(r % 2 ? { scale: from('number', q) } : {}) });
    case 'total':
      return node(name, {}, { numbers: [from('number', p), from('number', q)] });
    case 'mix':
      return node(
        name,
        { scale: value },
        { a: from('noise', p), ...(r % 2 ? { b: from('noise', q) } : {}) },
        { muted },
      );
    case 'load-reward':
      return node(name, { model: value % 2 ? 'mean' : 'other' });
    case 'negate':
      return node(name, {}, { reward: from('reward', p) }, { muted });
    case 'score':
      return node(name, {}, { noise: from('noise', p), rewards: [...new Set([from('reward', q), from('reward', r)])] });
    case 'split':
      return node(name, { count: value }, { noise: from('noise', p) });
    case 'loop':
      return node(name, { steps: value + 1 }, { noise: from('noise', p) });
    default:
      return node(name, {}, { noise: from('noise', p) });
  }
}
