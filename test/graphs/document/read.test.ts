import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits, VERSION } from '../../../graphs/document/document.ts';
import { checkMigrations, migrateDocument } from '../../../graphs/document/migrations.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { defineNode, libraryOf } from '../../../nodes/defineNode.ts';
import { library as realLibrary } from '../../../nodes/index.ts';
import { integer, text } from '../../../nodes/params.ts';
import { graph, library, node } from '../example.ts';

const fixtureOf = (version: number) =>
  readFileSync(new URL(`../../fixtures/graphs/version-${version}.json`, import.meta.url), 'utf8');
const fixture = fixtureOf(1);

const upgraded = defineNode({
  type: 'test/upgraded',
  version: 3,
  title: 'Upgraded',
  summary: 'Had other params once.',
  inputs: {},
  params: { steps: integer({ initial: 1, min: 1, max: 99, help: '' }), note: text({ initial: '', help: '' }) },
  outputs: {},
  upgrades: {
    1: ({ count, ...params }) => ({ ...params, iterations: count }),
    2: ({ iterations, ...params }) => ({ ...params, steps: (iterations as number) * 2 }),
  },
  run: () => undefined,
});

function code(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
}

describe('the graph saved by format version 1', () => {
  it('opens', () => {
    const { document, problems } = readGraph(fixture, realLibrary);
    expect(problems.map(({ code, at }) => [code, at.node])).toEqual([['UNKNOWN_TYPE', 'sampler']]);
    expect(document.nodes.prompts?.inputs.prompts).toEqual([['text', 'text']]);
    expect(document.nodes.prompts?.params.prompts).toBe('a red cube\na green ball');
    expect(document.nodes.sampler).toEqual(JSON.parse(fixture).nodes.sampler);
    expect([document.title, document.notes?.length, document.frames?.length]).toEqual(['Prompts, scaled', 1, 1]);
  });

  it('opens behind a byte order mark', () => {
    expect(readGraph(`\ufeff${fixture}`, library)).toEqual(readGraph(fixture, library));
  });

  it('is written back by a program that knows none of its nodes, with nothing changed but the version', () => {
    const { document, problems } = readGraph(fixture, libraryOf([]));
    expect(problems.map(({ code }) => code)).toEqual(Array(4).fill('UNKNOWN_TYPE'));
    expect(JSON.parse(writeGraph(document))).toEqual({ ...JSON.parse(fixture), version: VERSION });
  });
});

describe('the graph saved by format version 2', () => {
  it('opens, with its subgraph, reroute and colour', () => {
    const { document, problems } = readGraph(fixtureOf(2), realLibrary);
    expect(problems).toEqual([]);
    expect(document.subgraphs?.draw).toMatchObject({ title: 'Draw', inputs: { prompt: 'text', seed: 'number' } });
    expect(document.nodes.way?.type).toBe('reroute/images');
    expect(document.nodes.draw?.colour).toBe('green');
    expect(planRun(document, realLibrary).steps.map(({ id }) => id)).toEqual([
      'draw/generator',
      'draw/noise',
      'prompt',
      'draw/sample',
      'save',
    ]);
  });

  it('is written back byte for byte', () => {
    expect(writeGraph(readGraph(fixtureOf(2), libraryOf([])).document)).toBe(fixtureOf(2));
    // A library with a later version of a node adds what that version has more, and nothing else.
    const upgraded = fixtureOf(2).replace(
      /("type": "model\/load-generator",\n *"version": )1(,[^}]*"model": "builtin:world")(\n *)\}/,
      '$13$2,$3  "prediction": "auto",$3  "promptStyle": "plain"$3}',
    );
    expect(upgraded).not.toBe(fixtureOf(2));
    expect(writeGraph(readGraph(fixtureOf(2), realLibrary).document)).toBe(upgraded);
  });
});

describe('readGraph refuses what is no graph to show', () => {
  it.each([
    ['', 'NOT_JSON', 'not readable as JSON'],
    ['{"format": "noiseloom-graph", ', 'NOT_JSON', 'not readable as JSON'],
    ['[]', 'NOT_A_GRAPH', 'it has no format'],
    ['null', 'NOT_A_GRAPH', 'it has no format'],
    ['{"format": "comfy"}', 'NOT_A_GRAPH', 'its format is "comfy"'],
    ['{"nodes": [{"type": "KSampler"}], "links": []}', 'NOT_A_GRAPH', 'looks like a workflow of ComfyUI'],
    ['{"3": {"class_type": "KSampler", "inputs": {}}}', 'NOT_A_GRAPH', 'looks like a workflow of ComfyUI'],
    ['{"format": "noiseloom-graph"}', 'NOT_A_GRAPH', 'a whole number from 1; this one has undefined'],
    ['{"format": "noiseloom-graph", "version": "1"}', 'NOT_A_GRAPH', 'this one has "1"'],
    ['{"format": "noiseloom-graph", "version": 1}', 'NOT_A_GRAPH', 'has no "nodes"'],
    [
      '{"format": "noiseloom-graph", "version": 7, "nodes": 0}',
      'TOO_NEW',
      'Install a Noiseloom that reads format version 7',
    ],
    ['['.repeat(limits.depth + 1), 'TOO_LARGE', 'nests brackets'],
  ])('%s', (given, expected, sentence) => {
    expect(code(() => readGraph(given, library))).toBe(expected);
    expect(() => readGraph(given, library)).toThrow(sentence);
  });

  it('by size, before it is parsed', () => {
    expect(() => readGraph(' '.repeat(limits.text + 1), library)).toThrow(`at most ${limits.text}`);
    const nodes = Object.fromEntries(Array.from({ length: limits.nodes + 1 }, (_, i) => [`n${i}`, 0]));
    const tooMany = JSON.stringify({ format: 'noiseloom-graph', version: 1, nodes });
    expect(code(() => readGraph(tooMany, library))).toBe('TOO_LARGE');
  });

  it('but brackets inside strings do not nest', () => {
    const written = writeGraph(graph({ text: node('text', { text: `"\\${'['.repeat(500)}` }) }));
    expect(readGraph(written, library).problems).toEqual([]);
  });
});

describe('readGraph shows what it can', () => {
  it('makes a problem of every malformed field', () => {
    const nodes = {
      a: null,
      b: { type: 7, version: 0, params: [], inputs: 'a.number', position: [1], muted: 1, title: {} },
      c: { type: 'test/sum', version: 1, inputs: { a: 'd.number', b: [['d'], ['d', 'number']] } },
      d: { type: 'test/number', version: 1 },
    };
    const json = JSON.stringify({ format: 'noiseloom-graph', version: 1, title: 5, nodes });
    const { document, problems } = readGraph(json, library);
    const shapes = problems.filter(({ code }) => code === 'BAD_SHAPE');
    expect(shapes.map(({ at, message }) => `${at.node ?? 'graph'}: ${message}`)).toEqual([
      'a: Node "a": the node is null.',
      'a: Node "a": type is missing.',
      'a: Node "a": version is missing.',
      'b: Node "b": type is 7.',
      'b: Node "b": version is 0.',
      'b: Node "b": params is [].',
      'b: Node "b": muted is 1.',
      'b: Node "b": title is {}.',
      'b: Node "b": position is [1].',
      'b: Node "b": inputs is "a.number".',
      'c: Node "c": the input "a" is "d.number".',
      'c: Node "c": a wire into "b" is ["d"].',
      'graph: The title of the graph is 5.',
    ]);
    for (const { remedy } of shapes) expect(remedy).not.toBe('');
    expect(document.nodes.c).toEqual(node('sum', {}, { a: [], b: 'd.number' }));
    expect(document.nodes.d).toEqual(node('number'));
    expect(problems.some(({ code, at }) => code === 'MISSING_INPUT' && at.node === 'c')).toBe(true);
  });

  it('is not confused by names that every object has', () => {
    const json = `{"format": "noiseloom-graph", "version": 1, "nodes": {
      "__proto__": {"type": "test/sum", "version": 1, "inputs": {"a": [["constructor", "toString"]], "__proto__": [["x", "y"]]}},
      "constructor": {"type": "test/number", "version": 1, "params": {"__proto__": 1, "valueOf": 2}}}}`;
    const { document, problems } = readGraph(json, library);
    expect(Object.keys(document.nodes)).toEqual(['__proto__', 'constructor']);
    expect(problems.map(({ code }) => code)).toEqual([
      'BAD_ID',
      'UNKNOWN_OUTPUT',
      'UNKNOWN_INPUT',
      'UNKNOWN_PARAM',
      'UNKNOWN_PARAM',
    ]);
    expect(JSON.parse(writeGraph(document)).nodes.constructor.params).toEqual(
      JSON.parse('{"__proto__": 1, "valueOf": 2}'),
    );
  });
});

describe('migrations of the document', () => {
  const list = [
    {
      name: 'title-was-name',
      from: 1,
      migrate: ({ name, ...rest }: Record<string, unknown>) => ({ ...rest, title: name }),
    },
    {
      name: 'titles-shout',
      from: 2,
      migrate: (document: Record<string, unknown>) => ({ ...document, title: `${document.title}!` }),
    },
  ];
  const [first, second] = list as [(typeof list)[0], (typeof list)[1]];

  it('run one after the other from the version of the document', () => {
    expect(migrateDocument({ version: 1, name: 'a' }, 3, list)).toEqual({ version: 3, title: 'a!' });
    expect(migrateDocument({ version: 1, name: 'a' }, 2, list)).toEqual({ version: 2, title: 'a' });
    expect(migrateDocument({ version: 2, title: 'a' }, 3, list)).toEqual({ version: 3, title: 'a!' });
    expect(migrateDocument({ version: 3, title: 'a' }, 3, list)).toEqual({ version: 3, title: 'a' });
  });

  it('are refused where a version is missing, comes twice or leads too far', () => {
    expect(checkMigrations(list, 3)).toBe(list);
    expect(() => checkMigrations(list, 4)).toThrow('There is no migration from document version 3.');
    expect(() => checkMigrations([second], 3)).toThrow('There is no migration from document version 1.');
    expect(() => checkMigrations([second, first], 3)).toThrow('There is no migration from document version 1.');
    expect(() => checkMigrations(list, 2)).toThrow('A migration leads beyond document version 2.');
  });

  it('are refused without a name of their own', () => {
    expect(() => checkMigrations([{ ...first, name: '' }], 2)).toThrow('"" cannot be the name of a migration.');
    expect(() => checkMigrations([first, { ...second, name: first.name }], 3)).toThrow('Two migrations are called');
  });
});

describe('a saved graph of each format version', () => {
  it.each(Array.from({ length: VERSION }, (_, i) => i + 1))('%i opens', (version) => {
    const saved = fixtureOf(version);
    expect(JSON.parse(saved).version).toBe(version);
    const { document } = readGraph(saved, realLibrary);
    expect(document.version).toBe(VERSION);
    expect(Object.keys(document.nodes)).toEqual(Object.keys(JSON.parse(saved).nodes));
  });
});

describe('upgrades of a node', () => {
  const withUpgraded = libraryOf([upgraded]);
  const written = (version: number, params: object) =>
    writeGraph(graph({ a: { ...node('upgraded', params as never), version } }));

  it('run one after the other from the version of the node', () => {
    for (const [version, params] of [
      [1, { count: 4, note: 'x' }],
      [2, { iterations: 4, note: 'x' }],
      [3, { steps: 8, note: 'x' }],
    ] as const) {
      const { document, problems } = readGraph(written(version, params), withUpgraded);
      expect(problems).toEqual([]);
      expect(document.nodes.a).toEqual({ ...node('upgraded', { steps: 8, note: 'x' }), version: 3 });
    }
  });

  it('leave a node of a newer version as it is, and say so', () => {
    const { document, problems } = readGraph(written(4, { steps: 8 }), withUpgraded);
    expect(document.nodes.a?.version).toBe(4);
    expect(problems[0]).toMatchObject({ code: 'NODE_VERSION', at: { node: 'a' }, value: 4 });
    expect(problems[0]?.remedy).toContain('newer Noiseloom');
  });

  it('that fail become a problem', () => {
    const broken = libraryOf([{ ...upgraded, upgrades: { 1: () => JSON.parse('{'), 2: (params) => ({ ...params }) } }]);
    const { document, problems } = readGraph(written(1, { count: 4 }), broken);
    expect(problems.map(({ code }) => code)).toEqual(['BAD_UPGRADE', 'NODE_VERSION', 'UNKNOWN_PARAM']);
    expect(document.nodes.a?.params).toEqual({ count: 4 });
  });
});
