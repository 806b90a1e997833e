import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import { extractGraphText } from '../../electron/files/graphText.ts';
import { checkGraph } from '../../graphs/document/check.ts';
import {
  emptyDocument,
  type GraphDocument,
  type GraphNode,
  limits,
  type Subgraph,
} from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { createEngine, prepareRun } from '../../graphs/engine/engine.ts';
import { library } from '../../nodes/index.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import { refuseLargeBatch } from '../../nodes/ml/image/refuseLargeBatch.ts';
import { tileImages } from '../../nodes/ml/image/tileImages.ts';
import { loadClipTokenizer } from '../../nodes/ml/text/clipTokenizer.ts';
import { allows } from '../../nodes/params.ts';
import { openTestDevice } from '../support/devices.ts';
import { diskFiles, repository } from '../support/golden.ts';

/*
 * Graphs and images that would take all memory or all time: refused in a sentence before anything is taken for them.
 * A test that takes many times longer than its neighbours has found one that is not; the suite's time limit ends it.
 */

const texts = (count: number): Record<string, GraphNode> => {
  const nodes: Record<string, GraphNode> = {};
  for (let i = 0; i < count; i++) nodes[`n${i}`] = node('input/text');
  return nodes;
};
const node = (type: string, more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ type, version: library.get(type)?.version ?? 1, params: {}, inputs: {}, position: [0, 0] },
  ...more,
});
const graph = (nodes: GraphDocument['nodes'], subgraphs?: GraphDocument['subgraphs']): GraphDocument => ({
  ...emptyDocument('Large'),
  ...(subgraphs && { subgraphs }),
  nodes,
});
const subgraph = (nodes: Subgraph['nodes'], more: Partial<Subgraph> = {}): Subgraph => ({
  ...{ title: 'S', inputs: {}, outputs: {}, nodes },
  ...more,
});
/** What a run of the graph is refused with, whichever of its checks sees it. */
const refusal = (document: GraphDocument) => prepareRun(document, {}, library).problems.map(({ code }) => code);

describe('texts', () => {
  it.each([
    ['of a million nodes', JSON.stringify(graph(texts(1_000_000)))],
    ['of lists in lists', `{"format": "noiseloom-graph", "x": ${'['.repeat(5_000_000)}`],
    ['of objects in objects', `{"format": "noiseloom-graph", "x": ${'{"a":'.repeat(5_000_000)}`],
    ['of more letters than are allowed', ' '.repeat(limits.text + 1)],
  ])('%s are too large', (_name, text) => {
    expect(() => readGraph(text, library)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('of a hundred thousand problems tell a thousand, in few letters', () => {
    const long = 'x'.repeat(100_000);
    const nodes = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, i) => [`n${i}`, { type: i % 2 ? 5 : long.slice(0, 300), params: 5 }]),
    );
    for (const document of [
      { ...emptyDocument(''), nodes },
      graph({ a: node('input/text', { params: Object.fromEntries(Object.keys(nodes).map((key) => [key, 1])) }) }),
      graph({ a: node('input/text', { title: long, params: { text: [long, long, long], [long]: long } }) }),
      graph({
        a: node('output/image-grid', { inputs: { images: Object.keys(nodes).map((id) => [id, 'b'] as const) } }),
      }),
      graph({ [long]: node(long, { inputs: { [long]: [[long, long]] } }), [`${long}y`]: node('input/text') }),
    ]) {
      const { problems } = readGraph(JSON.stringify(document), library);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThanOrEqual(2 * limits.problems + 1);
      expect(JSON.stringify(problems).length / problems.length).toBeLessThan(5000);
    }
  });
});

describe('subgraphs', () => {
  it('that hold each other ten times each, ten levels deep, are too many nodes', () => {
    const uses = (name: string) =>
      Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`n${i}`, node(`subgraph/${name}`)]));
    const levels = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`l${i}`, subgraph(i === 9 ? texts(1) : uses(`l${i + 1}`))]),
    );
    expect(refusal(graph(uses('l0'), levels))).toEqual(['TOO_LARGE']);
  });

  it('that lie in each other without end, or are too many, are refused', () => {
    const ring = { a: subgraph({ b: node('subgraph/b') }), b: subgraph({ a: node('subgraph/a') }) };
    expect(refusal(graph({ a: node('subgraph/a') }, ring))).toEqual(['CYCLE']);
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`s${i}`, subgraph({})]));
    expect(refusal(graph({ a: node('subgraph/s0') }, many))).toEqual(['TOO_LARGE']);
  });

  it('that are used twenty thousand times among a thousand are checked in time', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`s${i}`, subgraph(texts(1))]));
    const uses = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`n${i}`, node(`subgraph/s${i % 1000}`)]));
    expect(refusal(graph(uses, many))).toEqual([]);
  });

  it('of twenty thousand ports, read as often, are checked in time', () => {
    const ports = Array.from({ length: 20_000 }, (_, i) => `p${i}`);
    const types = Object.fromEntries(ports.map((port) => [port, 'text' as const]));
    const wires = Object.fromEntries(ports.map((port) => [port, [['n0', 'text'] as const]]));
    const wide = subgraph({ ...texts(20_000), out: node('graph/outputs', { inputs: wires }) }, { outputs: types });
    const readers = Object.fromEntries(
      ports.map((port) => [port, node('input/text', { inputs: { text: [['s', port]] } })]),
    );
    expect(refusal(graph({ s: node('subgraph/wide'), ...readers }, { wide }))).toEqual([]);
    const narrow = subgraph(
      {
        in: node('graph/inputs'),
        ...Object.fromEntries(ports.map((id) => [id, node('input/text', { inputs: { text: [['in', 'p']] } })])),
      },
      { inputs: { p: 'text' } },
    );
    expect(
      refusal(
        graph({ t: node('input/text'), s: node('subgraph/narrow', { inputs: { p: [['t', 'text']] } }) }, { narrow }),
      ),
    ).toEqual([]);
  });

  it('and reroutes that come to too many wires are refused', () => {
    const chain: Record<string, GraphNode> = { r0: node('reroute/text', { inputs: { value: [['t', 'text']] } }) };
    for (let i = 1; i < 20_000; i++)
      chain[`r${i}`] = node('reroute/text', { inputs: { value: [[`r${i - 1}`, 'value']] } });
    for (let i = 0; i < 20_000; i++) chain[`e${i}`] = node('input/text', { inputs: { text: [['r19999', 'value']] } });
    expect(refusal(graph({ t: node('input/text'), ...chain }))).toEqual(['TOO_LARGE']);

    // a thousand readers of a port at which ten thousand wires arrive
    const inner = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [
        `g${i}`,
        node('output/image-grid', { inputs: { images: [['in', 'p']] } }),
      ]),
    );
    const fan = subgraph({ in: node('graph/inputs'), ...inner }, { inputs: { p: 'images' } });
    const images = Array.from({ length: 10_000 }, () => ['load', 'images'] as const);
    const document = graph(
      {
        load: node('input/load-images', { params: { path: 'a.png' } }),
        s: node('subgraph/fan', { inputs: { p: images } }),
      },
      { fan },
    );
    expect(refusal(document)).toEqual(['TOO_LARGE']);
  });
});

describe('runs', () => {
  const files = openFiles(fileFolders(repository));

  /** What a run on the device of tests is refused with. */
  const problemsOf = async (nodes: Record<string, GraphNode>) => {
    const engine = createEngine({ library, device: await openTestDevice(), files, cacheBudget: 0 });
    const problems: Problem[] = [];
    await engine.run(graph(nodes), {}, (event) => {
      if (event.type === 'problem') problems.push(event.problem);
    });
    return problems;
  };

  it.each([
    ['input/noise', 'width'],
    ['input/noise', 'height'],
    ['input/noise', 'count'],
    ['input/number-range', 'count'],
    ['input/sample-distribution', 'count'],
    ['generate/sample', 'steps'],
    ['generate/sample', 'batch'],
    ['optimise/reno', 'evaluations'],
    ['optimise/best-of-n', 'candidates'],
    ['optimise/find', 'iterations'],
    ['optimise/spsa', 'iterations'],
    ['optimise/rank-sgd', 'rounds'],
    ['select/top', 'keep'],
    ['output/image-grid', 'enlarge'],
    ['train/controlnet-consistency', 'steps'],
  ])('of %s refuse a billion for %s', (type, name) => {
    expect(library.get(type)?.params).toHaveProperty(name);
    expect(checkGraph(graph({ a: node(type, { params: { [name]: 1e9 } }) }), library)).toContainEqual(
      expect.objectContaining({ code: 'BAD_PARAM', at: { node: 'a', param: name } }),
    );
  });

  it('have no number without bounds', () => {
    for (const [type, { params }] of library)
      for (const [name, param] of Object.entries(params)) {
        if (param.kind !== 'integer' && param.kind !== 'number') continue;
        expect(allows(param, Number.POSITIVE_INFINITY), `${type} ${name}`).toBe(false);
        if (param.kind === 'integer') expect(param.max, `${type} ${name}`).toBeLessThanOrEqual(1_000_000);
      }
  });

  it('refuse a billion that comes by a wire, and sizes that are large together', async () => {
    const billion = {
      number: node('input/number', { params: { value: 1e9 } }),
      generator: node('model/load-generator'),
    };
    const inputs = { generator: [['generator', 'generator']] } as const;
    for (const name of ['width', 'count'])
      expect(
        await problemsOf({
          ...billion,
          noise: node('input/noise', { inputs: { ...inputs, [name]: [['number', 'number']] } }),
        }),
      ).toMatchObject([{ code: 'BAD_PARAM', at: { node: 'noise', param: name } }]);
    const params = { count: 1000, width: 8192, height: 8192 };
    expect(await problemsOf({ ...billion, noise: node('input/noise', { params, inputs }) })).toMatchObject([
      { code: 'TOO_LARGE', message: expect.stringContaining('1000 images of 8192x8192') },
    ]);
    expect(() => refuseLargeBatch(1000, 512, 512)).not.toThrow();
  });

  it('refuse lists that are too long, or multiply', async () => {
    expect(
      await problemsOf({ list: node('input/prompt-list', { params: { prompts: 'a\n'.repeat(10_001) } }) }),
    ).toMatchObject([{ code: 'TOO_LARGE', at: { node: 'list' } }]);
    const wires = Array.from({ length: 100_000 }, () => ['weights', 'reward'] as const);
    expect(
      await problemsOf({
        numbers: node('input/number-range', { params: { count: 1000 } }),
        colour: node('reward/colourfulness'),
        weights: node('reward/weight', {
          inputs: { reward: [['colour', 'reward']], weight: [['numbers', 'numbers']] },
        }),
        all: node('reward/combine', { inputs: { rewards: wires } }),
      }),
    ).toMatchObject([{ code: 'TOO_LARGE', at: { node: 'all', port: 'rewards' } }]);
  });

  it('refuse prompts of a million letters', async () => {
    const tokenizer = await loadClipTokenizer(diskFiles, `${repository}/nodes/model/builtin/world-clip`);
    expect(() => tokenizer.encode('a'.repeat(1_000_000), 77)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    const long = graph({ a: node('input/text', { params: { text: 'a'.repeat(1_000_001) } }) });
    expect(refusal(long)).toEqual(['BAD_PARAM']);
  });
});

describe('images', () => {
  const png = (...chunks: [type: string, content: Uint8Array][]) => {
    const image = encodePng({ width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) });
    const parts = chunks.map(([type, content]) => {
      const chunk = Buffer.alloc(12 + content.length);
      chunk.writeUInt32BE(content.length);
      chunk.write(type, 4, 'latin1');
      chunk.set(content, 8);
      chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
      return chunk;
    });
    return new Uint8Array(Buffer.concat([image.subarray(0, -12), ...parts, image.subarray(-12)]));
  };
  const bomb = deflateSync(Buffer.alloc(200 * 2 ** 20), { level: 9 });

  it('with texts that unpack to hundreds of megabytes are read without them', async () => {
    const latin = (text: string) => Buffer.from(text, 'latin1');
    const bombs = png(
      ['zTXt', Buffer.concat([latin('noiseloom-graph\0\0'), bomb])],
      ['iTXt', Buffer.concat([latin('noiseloom-graph\0\x01\0\0\0'), bomb])],
      ['iCCP', Buffer.concat([latin('profile\0\0'), bomb])],
    );
    const before = process.memoryUsage().rss;
    expect(() => extractGraphText(bombs, 'a.png')).toThrow(expect.objectContaining({ code: 'NO_GRAPH' }));
    expect((await diskFiles.decodeImage(bombs)).width).toBe(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it('of too many pixels are refused before they are unpacked', async () => {
    const header = Buffer.from('0000000d49484452000075300000753008020000000000000000', 'hex').subarray(0, 25); // 30000x30000
    header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
    const small = png();
    const large = Buffer.concat([small.subarray(0, 8), header, small.subarray(33)]);
    const before = process.memoryUsage().rss;
    await expect(diskFiles.decodeImage(new Uint8Array(large))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it('that are programs of a kind are none', async () => {
    for (const text of [
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/hostname"/></svg>',
      '%PDF-1.4 1 0 obj',
      '%!PS-Adobe-3.0',
      'P6 1 1 255 abc',
      '<!DOCTYPE a [<!ENTITY b "c">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
      'push graphic-context\nviewbox 0 0 1 1\nimage over 0,0 0,0 "|touch /tmp/a"',
    ])
      await expect(diskFiles.decodeImage(new TextEncoder().encode(text)), text).rejects.toMatchObject({
        code: 'BAD_IMAGE',
      });
  });

  it('of many images that are large together are refused', () => {
    const tile = { width: 1000, height: 1000, rgb: new Uint8Array(3_000_000) };
    const rows = Array.from({ length: 10 }, () => [tile]);
    expect(() => tileImages(rows, { gap: 2, enlarge: 16 })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });
});
