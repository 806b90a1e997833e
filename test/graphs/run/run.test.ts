import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { devices } from '../../../electron/devices/devices.ts';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { openDevice } from '../../../nodes/ml/device.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { guardLeaks } from '../../support/devices.ts';
import { anyGraph, exampleEngine, exampleFiles, graph, library, node, rewards, runOnce } from '../example.ts';

beforeAll(async () => {
  await openDevice('cpu', devices);
});
beforeEach(() => {
  rewards.length = 0;
});
guardLeaks();

const idsOf = (document: GraphDocument) =>
  planRun(document, library)
    .steps.map(({ id }) => id)
    .sort();
const eventsOf = <Type extends RunEvent['type']>(events: readonly RunEvent[], type: Type) =>
  events.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type);
const savedNames = (events: readonly RunEvent[]) =>
  [...eventsOf(events, 'image'), ...eventsOf(events, 'file')].map(({ name }) => name);

describe('a run', () => {
  it('of any graph does everything once, then nothing, and frees everything once', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, fc.constantFrom(0, 3_000, 2 ** 24), async (document, budget) => {
        rewards.length = 0;
        const before = tf.memory().numTensors;
        const engine = exampleEngine(budget);
        const ids = idsOf(document);
        const first = await runOnce(engine, document);
        expect(first.problems).toEqual([]);
        // two nodes that do the same thing have one key, so the second may find the first's result
        expect([...first.ran, ...first.cached].sort()).toEqual(ids);
        const keys = first.ran.length;
        const second = await runOnce(engine, JSON.parse(JSON.stringify(document)));
        if (budget > 3_000) {
          expect(second.ran).toEqual([]);
          expect(second.cached).toEqual(ids);
          expect(told(second.events)).toEqual(told(first.events));
        } else if (budget === 0) expect(second.ran.length).toBe(keys);
        await engine.clearCache();
        expect(tf.memory().numTensors).toBe(before);
        expect(rewards.map(({ disposals }) => disposals())).toEqual(rewards.map(() => 1));
      }),
      { seed: 1, numRuns: 120 },
    );
  });

  it('runs again only what a change touches', async () => {
    const changes: Readonly<Record<string, number | string>> = { model: 'third', name: 'other.png' };
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(anyGraph, fc.nat(), async (document, pick) => {
        const running = idsOf(document);
        const id = running[pick % running.length] as string;
        const before = document.nodes[id]!;
        const name = Object.keys(library.get(before.type)!.params).find((param) => !before.inputs[param]);
        if (name === undefined) return;
        const files = exampleFiles();
        files.change('third', 'xyz');
        const engine = exampleEngine(2 ** 24, files);
        const first = await runOnce(engine, document);
        const node = { ...before, params: { ...before.params, [name]: changes[name] ?? 4.0 } };
        const { ran, problems } = await runOnce(engine, { ...document, nodes: { ...document.nodes, [id]: node } });
        expect([...first.problems, ...problems]).toEqual([]);
        const needs = (other: string) => planRun(document, library, [other]).steps.some((step) => step.id === id);
        expect(ran.filter((other) => !needs(other))).toEqual([]);
        changed += ran.length;
        await engine.clearCache();
      }),
      { seed: 2, numRuns: 80 },
    );
    expect(changed).toBeGreaterThan(50);
  });

  it('tells its events in order', async () => {
    const document = graph({
      noise: node('noise', { seed: 3 }),
      loop: node('loop', { steps: 2 }, { noise: 'noise.noise' }),
      save: node('save', {}, { noise: 'loop.noise' }),
    });
    const engine = exampleEngine();
    const { events, finished } = await runOnce(engine, document, { run: 'mine', previews: true });
    const previews = eventsOf(events, 'preview'); // how many there are depends on how long they take
    expect(previews[0]?.preview).toEqual({ width: 1, height: 1, rgb: new Uint8Array(3) });
    const once = events.filter((event) => event.type !== 'preview' || event === previews[0]);
    expect(once.map((event) => ('node' in event ? `${event.type} ${event.node}` : event.type))).toEqual([
      'run-started',
      'node-started noise',
      'node-finished noise',
      'node-started loop',
      'node-progress loop',
      'preview loop',
      'node-progress loop',
      'node-finished loop',
      'node-started save',
      'image save',
      'node-finished save',
      'run-finished',
    ]);
    expect(events.every(({ run }) => run === 'mine')).toBe(true);
    expect(events[0]).toEqual({
      type: 'run-started',
      run: 'mine',
      device: { name: 'cpu', description: 'The test device' },
      nodes: ['noise', 'loop', 'save'],
    });
    expect(eventsOf(events, 'node-progress').map(({ fraction, text }) => [fraction, text])).toEqual([
      [0.5, 'step 1 of 2'],
      [1, 'step 2 of 2'],
    ]);
    expect(eventsOf(events, 'image')[0]).toMatchObject({
      name: 'image-1.png',
      mime: 'image/png',
      label: { seed: 1 },
    });
    expect([...(eventsOf(events, 'image')[0]?.bytes ?? [])]).toEqual([5, 5, 5, 5]);
    expect(finished).toMatchObject({ status: 'done', ran: 3, cached: 0 });
    expect(structuredClone(events)).toEqual(events);
    await engine.clearCache();
  });

  it('delivers files and scores again when their nodes are cached', async () => {
    const engine = exampleEngine();
    const document = graph({
      noise: node('noise', { seed: 3 }),
      reward: node('load-reward'),
      save: node('save', {}, { noise: 'noise.noise' }),
      score: node('score', {}, { noise: 'noise.noise', rewards: 'reward.reward' }),
    });
    const first = await runOnce(engine, document);
    const second = await runOnce(engine, document);
    expect(second.ran).toEqual([]);
    expect(told(second.events)).toEqual(told(first.events));
    expect(told(first.events).map(({ type }) => type)).toEqual(['image', 'scores']);
    expect(eventsOf(first.events, 'scores')[0]?.scores).toEqual({ names: ['mean'], values: [[3]], labels: [{}] });
    await engine.clearCache();
  });

  it('runs a node again when a file it reads changes', async () => {
    const files = exampleFiles();
    const engine = exampleEngine(2 ** 20, files);
    const direct = graph({ reward: node('load-reward') });
    const driven = graph({ t: node('text', { text: 'mean' }), reward: node('load-reward', {}, { model: 't.text' }) });
    for (const document of [direct, driven]) {
      expect((await runOnce(engine, document)).ran).toContain('reward');
      expect((await runOnce(engine, document)).ran).toEqual([]);
      files.change('mean', `${Math.random()}`);
      expect((await runOnce(engine, document)).ran).toEqual(['reward']);
    }
    await engine.clearCache();
  });

  it('keeps a model alive as long as another is made from it', async () => {
    const engine = exampleEngine(700); // room for one small result at a time
    const document = graph({
      noise: node('noise', { seed: 3 }),
      reward: node('load-reward'),
      negated: node('negate', {}, { reward: 'reward.reward' }),
      score: node('score', {}, { noise: 'noise.noise', rewards: 'negated.reward' }),
    });
    const { problems, events } = await runOnce(engine, document);
    expect(problems).toEqual([]);
    expect(eventsOf(events, 'scores')[0]?.scores.values).toEqual([[-3]]);
    await engine.clearCache();
    expect(rewards.map(({ disposals }) => disposals())).toEqual([1, 1]);
  });

  it('does not make what only cached nodes need, even where it was let go', async () => {
    const engine = exampleEngine(2 ** 20);
    const document = (steps: number) =>
      graph({
        noise: node('noise', { seed: 3 }),
        a: node('mix', {}, { a: 'noise.noise' }),
        b: node('loop', { steps }, { noise: 'a.noise' }),
      });
    await runOnce(engine, document(1));
    const { ran, cached } = await runOnce(engine, document(2));
    expect([ran, cached]).toEqual([['b'], ['a', 'noise']]);
    await engine.clearCache();
    const tiny = exampleEngine(600); // keeps one result: the last
    await runOnce(tiny, document(1));
    const again = await runOnce(tiny, document(1));
    expect([again.ran, again.cached]).toEqual([[], ['a', 'b', 'noise']]);
    await tiny.clearCache();
  });
});

/** What shells keep of a run. */
function told(events: readonly RunEvent[]) {
  return events
    .filter((event) => event.type === 'image' || event.type === 'file' || event.type === 'scores')
    .map(({ run: _run, ...event }) => event)
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

describe('lists', () => {
  const three = { list: node('numbers', { count: 3 }) };
  /** Sums a graph up in the name of a file. */
  const resultOf = async (nodes: Parameters<typeof graph>[0], from: string) => {
    const engine = exampleEngine();
    const document = graph({
      ...nodes,
      noise: node('noise'),
      end: node('save', {}, { noise: 'noise.noise', name: from }),
    });
    const { events, problems } = await runOnce(engine, document);
    await engine.clearCache();
    return {
      names: savedNames(events),
      problems,
      progress: eventsOf(events, 'node-progress').map(({ fraction }) => fraction),
    };
  };

  it('run a node once for each element, through inputs and params', async () => {
    const squares = { ...three, sum: node('sum', { mode: 'product' }, { a: 'list.numbers', b: 'list.numbers' }) };
    const total = { ...squares, total: node('total', {}, { numbers: 'sum.number' }) };
    expect((await resultOf(total, 'total.text')).names).toEqual(['0 1 4']);
    const scaled = {
      ...three,
      n: node('number', { value: 5 }),
      sum: node('sum', {}, { a: 'n.number', scale: 'list.numbers' }),
    };
    const joined = { ...scaled, total: node('total', {}, { numbers: ['n.number', 'sum.number', 'n.number'] }) };
    expect((await resultOf(joined, 'total.text')).names).toEqual(['5 0 5 10 5']);
  });

  it('share the result of elements with the same arguments', async () => {
    const engine = exampleEngine();
    const document = graph({
      ...three,
      half: node('divide', {}, { a: 'list.numbers' }), // 0 1 2 -> 0 0 1
      seeded: node('noise', {}, { seed: 'half.whole' }),
      loop: node('loop', { steps: 1 }, { noise: 'seeded.noise' }),
      save: node('save', {}, { noise: 'loop.noise' }),
    });
    const { events, problems } = await runOnce(engine, document);
    expect(problems).toEqual([]);
    const progress = eventsOf(events, 'node-progress').filter(({ node: id }) => id === 'loop');
    expect(progress).toHaveLength(2); // of three elements, two differ
    expect(savedNames(events)).toHaveLength(3);
    await engine.clearCache();
  });

  it('drive a param by texts, which are read as if typed', async () => {
    const driven = (value: string) => ({
      t: node('text', { text: value }),
      n: node('number', { value: 5 }),
      sum: node('sum', {}, { a: 'n.number', scale: 't.text' }),
      total: node('total', {}, { numbers: ['sum.number'] }),
    });
    expect((await resultOf(driven(' 3 '), 'total.text')).names).toEqual(['15']);
    expect((await resultOf(driven('three'), 'total.text')).problems).toMatchObject([
      { code: 'BAD_PARAM', at: { node: 'sum', param: 'scale' }, message: expect.stringContaining('"three"') },
    ]);
  });

  it('give files with names of their own', async () => {
    const engine = exampleEngine();
    const document = graph({
      noise: node('noise', { seed: 1 }),
      split: node('split', { count: 3 }, { noise: 'noise.noise' }),
      twice: node('split', {}, { noise: 'split.noises' }),
      loop: node('loop', { steps: 2 }, { noise: 'twice.noises' }),
      save: node('save', {}, { noise: 'loop.noise' }),
    });
    const { events, problems } = await runOnce(engine, document);
    expect(problems).toEqual([]);
    expect(savedNames(events)).toEqual(['image-1.png', ...[2, 3, 4, 5, 6].map((n) => `image-1-${n}.png`)]);
    expect(eventsOf(events, 'image').map(({ bytes }) => bytes[0])).toEqual([3, 4, 4, 5, 5, 6]);
    const fractions = eventsOf(events, 'node-progress').map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.map((_, i) => expect.closeTo((i + 1) / 12)));
    await engine.clearCache();
  });

  it('remark once for all elements, and again from the cache', async () => {
    const engine = exampleEngine();
    const document = graph({
      noise: node('noise', { seed: 1 }),
      split: node('split', { count: 3 }, { noise: 'noise.noise' }),
      loop: node('loop', { steps: 4 }, { noise: 'split.noises' }),
    });
    for (const run of ['run-1', 'run-2']) {
      const { events, problems } = await runOnce(engine, document);
      expect(problems).toEqual([]);
      expect(eventsOf(events, 'remark')).toEqual([
        { type: 'remark', run, node: 'loop', text: 'Four steps are unlucky.' },
      ]);
    }
    await engine.clearCache();
  });

  it('may be empty', async () => {
    const nodes = {
      list: node('numbers', { count: 0 }),
      sum: node('sum', {}, { a: 'list.numbers' }),
      n: node('number', { value: 7 }),
    };
    const total = node('total', {}, { numbers: ['sum.number', 'n.number', 'sum.number'] });
    expect((await resultOf({ ...nodes, total }, 'total.text')).names).toEqual(['7']);
  });

  it('of different lengths are an error that names them', async () => {
    const nodes = {
      ...three,
      two: node('numbers', { count: 2 }),
      sum: node('sum', {}, { a: 'list.numbers', b: 'two.numbers' }),
    };
    const { problems } = await resultOf(nodes, 'sum.number');
    expect(problems[0]).toMatchObject({ code: 'TYPE_MISMATCH' }); // the param of the end takes text
    const engine = exampleEngine();
    const run = await runOnce(engine, graph(nodes));
    expect(run.finished.status).toBe('failed');
    expect(run.problems).toEqual([
      {
        code: 'LIST_LENGTHS',
        message:
          '"Sum" (sum): the lists at its inputs differ in length: "a" has 3, "b" has 2. Give lists of the same length, or single values.',
        at: { node: 'sum', port: 'b' },
      },
    ]);
    await engine.clearCache();
  });

  it('that are too long are refused', async () => {
    const engine = exampleEngine();
    const { problems } = await runOnce(engine, graph({ list: node('numbers', { count: 10_001 }) }));
    expect(problems[0]).toMatchObject({ code: 'TOO_LARGE', at: { node: 'list', port: 'numbers' } });
    await engine.clearCache();
  });
});

describe('muted nodes', () => {
  it('pass on the first connected input of the right type', async () => {
    const engine = exampleEngine();
    const document = graph({
      noise: node('noise', { seed: 5 }),
      mix: node('mix', { scale: 2 }, { a: 'noise.noise' }, { muted: true }),
      save: node('save', {}, { noise: 'mix.noise' }),
    });
    const { events, ran } = await runOnce(engine, document);
    expect(ran).toEqual(['noise', 'save']);
    expect(eventsOf(events, 'image')[0]?.bytes[0]).toBe(5);
    await engine.clearCache();
  });
});

describe('what goes wrong', () => {
  const failing = (how: string, more = {}) =>
    graph({
      noise: node('noise', { seed: 1 }),
      fail: node('fail', { how }, { noise: 'noise.noise' }, { title: 'My step' }),
      mix: node('mix', {}, { a: 'fail.noise' }),
      ...more,
    });

  it.each([
    ['user', 'BAD_SIZE', '"My step" (fail): The size is 3, but must be a multiple of 8.'],
    ['program', 'NODE_FAILED', '"My step" (fail) failed: x is not a function'],
    ['nothing', 'NODE_FAILED', '"My step" (fail) failed: test/fail gave no noise at its output "noise"'],
    ['nan', 'NOT_FINITE', '"My step" (fail): its output "noise" holds NaN at element 0 of 4.'],
    ['infinity', 'NOT_FINITE', '"My step" (fail): its output "noise" holds Infinity at element 0 of 4.'],
  ])('in a node names it (%s)', async (how, code, sentence) => {
    const engine = exampleEngine();
    const { finished, problems, ran } = await runOnce(engine, failing(how));
    expect(finished.status).toBe('failed');
    expect(ran).toEqual(['noise']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code, at: { node: 'fail' } });
    expect(problems[0]?.message).toContain(sentence);
    expect(problems[0]?.trace !== undefined).toBe(code === 'NODE_FAILED');
    const again = await runOnce(engine, failing(how));
    expect([again.cached, again.finished.status]).toEqual([['noise'], 'failed']);
    await engine.clearCache();
  });

  it('in one element of a list frees those before it', async () => {
    const document = graph({
      noise: node('noise', { seed: 0 }),
      split: node('split', { count: 3 }, { noise: 'noise.noise' }),
      fail: node('fail', { how: 'at two' }, { noise: 'split.noises' }),
    });
    const { problems, ran } = await runOnce(exampleEngine(0), document);
    expect(ran).toEqual(['noise', 'split']);
    expect(problems).toEqual([
      { code: 'BAD_NOISE', message: '"Fail" (fail): The noise is two.', at: { node: 'fail' } },
    ]);
  });

  it('with a param that a wire drives is told with the rule of the param', async () => {
    const document = graph({
      noise: node('noise', { seed: 1 }),
      list: node('numbers', { count: 3 }),
      loop: node('loop', {}, { noise: 'noise.noise', steps: 'list.numbers' }),
    });
    const { problems } = await runOnce(exampleEngine(0), document);
    expect(problems[0]).toMatchObject({ code: 'BAD_PARAM', at: { node: 'loop', param: 'steps' } });
    expect(problems[0]?.message).toBe(
      '"Loop" (loop): a wire sets the param steps to 0. It must be a whole number from 1 to 1000000000.',
    );
  });

  it('with a param that a wire drives is told before what is long runs', async () => {
    const document = graph({
      noise: node('noise', { seed: 1 }),
      long: node('loop', { steps: 5 }, { noise: 'noise.noise' }),
      n: node('number', { value: -1 }),
      half: node('sum', {}, { a: 'n.number' }),
      mix: node('mix', {}, { a: 'long.noise' }),
      last: node('loop', {}, { noise: 'mix.noise', steps: 'half.number' }),
    });
    const { problems, ran } = await runOnce(exampleEngine(0), document);
    expect(problems).toEqual([expect.objectContaining({ code: 'BAD_PARAM', at: { node: 'last', param: 'steps' } })]);
    expect(ran).toEqual(['half', 'n']);
  });

  it('with a file is told before anything runs', async () => {
    const engine = exampleEngine();
    const { problems, events } = await runOnce(
      engine,
      graph({ noise: node('noise'), reward: node('load-reward', { model: 'nowhere' }) }),
    );
    expect(problems).toEqual([
      { code: 'NOT_FOUND', message: '"Load reward" (reward): There is no model "nowhere".', at: { node: 'reward' } },
    ]);
    expect(eventsOf(events, 'node-started')).toEqual([]);
  });

  it('with the name of a saved file is refused', async () => {
    const engine = exampleEngine();
    const save = node('save', { name: '../image.png' }, { noise: 'noise.noise' });
    const { problems } = await runOnce(engine, graph({ noise: node('noise'), save }));
    expect(problems[0]).toMatchObject({ code: 'BAD_NAME', at: { node: 'save' } });
    await engine.clearCache();
  });

  it('with the graph or the overrides: nothing runs, and all problems are told', async () => {
    const engine = exampleEngine();
    const wrong = graph({
      n: node('number', { value: 500 }),
      sum: node('sum'),
      mix: node('mix', {}, { a: 'n.number' }),
    });
    const { finished, problems, ran } = await runOnce(engine, wrong);
    expect(finished.status).toBe('invalid');
    expect(ran).toEqual([]);
    expect(problems.map(({ code, at }) => [code, at.node])).toEqual([
      ['BAD_PARAM', 'n'],
      ['MISSING_INPUT', 'sum'],
      ['TYPE_MISMATCH', 'mix'],
    ]);
    const one = await runOnce(engine, wrong, { targets: ['n'] });
    expect(one.problems.map(({ code }) => code)).toEqual(['BAD_PARAM']);
    expect((await runOnce(engine, wrong, { targets: ['n'], overrides: { 'n.value': '5' } })).finished.status).toBe(
      'done',
    );
    const typo = await runOnce(engine, wrong, { overrides: { 'n.valeu': 5 } });
    expect([typo.finished.status, typo.problems[0]?.code]).toEqual(['invalid', 'UNKNOWN_PARAM']);
    const nobody = await runOnce(engine, wrong, { targets: ['nobody'] });
    expect([nobody.finished.status, nobody.problems[0]?.code]).toEqual(['invalid', 'UNKNOWN_NODE']);
  });
});

describe('cancelling', () => {
  const endless = graph({
    noise: node('noise', { seed: 1 }),
    loop: node('loop', { steps: 1e9 }, { noise: 'noise.noise' }),
    save: node('save', {}, { noise: 'loop.noise' }),
  });

  it('takes effect within one step of a loop', async () => {
    const engine = exampleEngine();
    const abort = new AbortController();
    const events: RunEvent[] = [];
    const finished = await engine.run(
      endless,
      {},
      (event) => {
        events.push(event);
        if (event.type === 'node-progress' && eventsOf(events, 'node-progress').length === 7) abort.abort();
      },
      abort.signal,
    );
    expect(finished.status).toBe('cancelled');
    expect(eventsOf(events, 'node-progress')).toHaveLength(7);
    expect(eventsOf(events, 'problem')).toEqual([]);
    await engine.clearCache();
  });

  it('is heard while a loop runs, and stops that run only', async () => {
    const engine = exampleEngine();
    const abort = new AbortController();
    const other = graph({
      noise: node('noise', { seed: 1 }),
      loop: node('loop', { steps: 200 }, { noise: 'noise.noise' }),
    });
    const cancelled = runOnce(engine, endless, {}, abort.signal);
    const kept = runOnce(engine, other);
    setTimeout(() => abort.abort(), 20);
    expect((await cancelled).finished.status).toBe('cancelled');
    expect((await kept).finished.status).toBe('done');
    await engine.clearCache();
  });

  it('lets a node hand over what it had found so far', async () => {
    const abort = new AbortController();
    const events: RunEvent[] = [];
    const tell = (event: RunEvent) => {
      events.push(event);
      if (event.type === 'node-progress' && event.figures?.total === 25) abort.abort();
    };
    const document = graph({ trail: node('trail', { steps: 1e9 }) });
    const finished = await exampleEngine().run(document, {}, tell, abort.signal);
    expect(finished.status).toBe('cancelled');
    expect(eventsOf(events, 'file')).toEqual([
      { type: 'file', run: 'run-1', node: 'trail', name: 'so-far.txt', mime: 'text/plain', bytes: Uint8Array.of(5) },
    ]);
  });

  it('before the start runs nothing', async () => {
    const abort = new AbortController();
    abort.abort();
    const { finished, ran } = await runOnce(exampleEngine(), endless, {}, abort.signal);
    expect([finished.status, ran]).toEqual(['cancelled', []]);
  });
});

describe('traces', () => {
  it('are told while they grow, when they are done, and again from the cache', async () => {
    const engine = exampleEngine();
    const document = graph({ trail: node('trail') });
    const first = await runOnce(engine, document);
    expect(eventsOf(first.events, 'node-progress').map(({ figures }) => figures?.total)).toEqual([1, 4, 9]);
    const [told] = eventsOf(first.events, 'trace');
    expect(told).toMatchObject({ node: 'trail', output: 'trace', trace: { values: [[[1], [4], [9]]], kept: [2] } });
    expect(Object.isFrozen(told!.trace.values[0]![0])).toBe(true);
    const again = await runOnce(engine, document);
    expect(again.cached).toEqual(['trail']);
    expect(eventsOf(again.events, 'trace')).toEqual([told && { ...told, run: 'run-2' }]);
    await engine.clearCache();
  });
});

describe('values', () => {
  it('on wires are frozen', async () => {
    const seen: unknown[] = [];
    const engine = exampleEngine();
    const document = graph({
      noise: node('noise', { seed: 1 }),
      reward: node('load-reward'),
      score: node('score', {}, { noise: 'noise.noise', rewards: 'reward.reward' }),
    });
    const { events } = await runOnce(engine, document);
    for (const { scores } of eventsOf(events, 'scores'))
      seen.push(scores, scores.values, scores.values[0], scores.labels, scores.labels[0]);
    expect(seen.length).toBe(5);
    expect(seen.every(Object.isFrozen)).toBe(true);
    await engine.clearCache();
  });
});

describe('the engine', () => {
  it('describes its nodes as JSON, and opens graphs', async () => {
    const engine = exampleEngine();
    const cards = await engine.describeNodes();
    expect(cards.map(({ type }) => type)).toEqual([...library.keys()]);
    expect(JSON.parse(JSON.stringify(cards))).toEqual(cards);
    await expect(engine.openGraph('nothing')).rejects.toMatchObject({ code: 'NOT_JSON' });
  });

  it('leaves as many tensors after fifty runs as after one', async () => {
    const engine = exampleEngine(4_000);
    const document = (seed: number) =>
      graph({
        noise: node('noise', { seed }),
        split: node('split', { count: 3 }, { noise: 'noise.noise' }),
        loop: node('loop', {}, { noise: 'split.noises' }),
        save: node('save', {}, { noise: 'loop.noise' }),
      });
    const counts: number[] = [];
    for (let i = 0; i < 50; i++) {
      expect((await runOnce(engine, document(i))).finished.status).toBe('done');
      counts.push(tf.memory().numTensors);
    }
    expect(Math.max(...counts.slice(10))).toBeLessThanOrEqual(Math.max(...counts.slice(0, 10)));
    await engine.clearCache();
  });
});
