import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { emptyDocument, type GraphDocument } from '../../../graphs/document/document.ts';
import { levelCards, subgraphOf } from '../../../graphs/document/levels.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import * as edit from '../../../graphs/edit/edit.ts';
import { applyOverrides } from '../../../graphs/edit/overrides.ts';
import { dropUnused, makeSubgraph, unmakeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import type { NodeCard } from '../../../nodes/card.ts';
import { UserError } from '../../../nodes/errors.ts';
import { exampleNodes, graph, library, node } from '../example.ts';

const start = graph({
  n: node('number', { value: 2 }),
  a: node('sum', {}, { a: 'n.number' }),
  b: node('sum', {}, { a: 'a.number', b: 'n.number' }),
  t: node('total', {}, { numbers: ['a.number', 'b.number'] }),
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return 'none';
}

/** An edit that a hand might do: any node, port and value, sensible or not. */
const anyEdit = fc.record({
  kind: fc.constantFrom(
    'add',
    'add',
    'remove',
    'connect',
    'connect',
    'connect',
    'connect',
    'disconnect',
    'set',
    'set',
    'rename',
    'move',
    'mute',
    'collapse',
    'group',
    'group',
    'ungroup',
    'reroute',
  ),
  picks: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
  value: fc.oneof(fc.integer({ min: -5, max: 1200 }), fc.constantFrom('sum', 'product', 'mean', ''), fc.boolean()),
});

type Edit = typeof anyEdit extends fc.Arbitrary<infer Drawn> ? Drawn : never;

function perform(document: GraphDocument, { kind, picks, value }: Edit): GraphDocument {
  const [p, q, r, s] = picks as [number, number, number, number];
  const ids = Object.keys(document.nodes);
  const id = ids[p % ids.length] ?? 'nobody';
  const cards = levelCards(document, library);
  const card = cards.get(document.nodes[id]?.type ?? '');
  const ports = [...Object.keys(card?.inputs ?? {}), ...Object.keys(card?.params ?? {}), 'nothing'];
  const port = ports[q % ports.length] as string;
  const from = ids[r % ids.length] ?? 'nobody';
  const outputs = [...Object.keys(cards.get(document.nodes[from]?.type ?? '')?.outputs ?? {}), 'nothing'];
  const wire = [from, outputs[s % outputs.length] as string] as const;
  switch (kind) {
    case 'add': {
      const added = exampleNodes[q % exampleNodes.length] as (typeof exampleNodes)[number];
      return edit.addNode(document, edit.freshId(document, added.type), added, [r, s]);
    }
    case 'remove':
      return p % 4 === 0 ? edit.removeNodes(document, [id, from]) : document;
    case 'connect':
      return edit.connect(document, cards, wire, id, port);
    case 'disconnect':
      return edit.disconnect(document, id, port, r % 2 ? wire : undefined);
    case 'set':
      return edit.setParam(document, cards, id, port, value);
    case 'rename':
      return edit.renameNode(document, id, q % 2 ? `Title ${q}` : '');
    case 'move':
      return edit.moveNodes(document, { [id]: [q, r] });
    case 'mute':
      return edit.muteNode(document, id, value === true);
    case 'group':
      return makeSubgraph(document, cards, [id, from, ids[q % ids.length] ?? id], `Part ${q % 3}`).document;
    case 'ungroup': {
      const name = subgraphOf(document.nodes[id] ?? { type: '' });
      return name === undefined ? document : dropUnused(unmakeSubgraph(document, id).document, name);
    }
    case 'reroute': {
      const type = [...cards.keys()].filter((each) => each.startsWith('reroute/'))[q % 3] as string;
      return edit.addNode(document, edit.freshId(document, type), cards.get(type) as NodeCard, [r, s]);
    }
    default:
      return edit.collapseNode(document, id, value === true);
  }
}

describe('edits', () => {
  it('keep a graph valid, whatever is tried, and never change the document they start from', () => {
    const done: Record<string, number> = {};
    fc.assert(
      fc.property(fc.array(anyEdit, { minLength: 30, maxLength: 60 }), (edits) => {
        let document: GraphDocument = start;
        for (const next of edits) {
          const before = writeGraph(document);
          const old = document;
          try {
            document = perform(document, next);
            if (document !== old) done[next.kind] = (done[next.kind] ?? 0) + 1;
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
          expect(writeGraph(old)).toBe(before);
        }
        const { document: read, problems } = readGraph(writeGraph(document), library);
        expect(read).toEqual(document);
        // a fresh node may still want its inputs; nothing else may be wrong
        expect(problems.filter(({ code }) => code !== 'MISSING_INPUT')).toEqual([]);
      }),
      { seed: 5, numRuns: 80 },
    );
    for (const kind of ['add', 'remove', 'connect', 'disconnect', 'set', 'mute', 'group', 'ungroup', 'reroute'])
      expect(done[kind], kind).toBeGreaterThan(5);
    expect(done.connect).toBeGreaterThan(30);
  });

  it('add nodes under free ids with initial params', () => {
    const sum = library.get('test/sum')!;
    expect(edit.freshId(emptyDocument(''), 'test/sum')).toBe('sum');
    let document = edit.addNode(emptyDocument(''), 'sum', sum, [1, 2]);
    expect(document.nodes.sum).toEqual({ ...node('sum', { scale: 1, mode: 'sum' }), position: [1, 2] });
    document = edit.addNode(document, edit.freshId(document, 'test/sum'), sum, [0, 0]);
    expect(Object.keys(document.nodes)).toEqual(['sum', 'sum-2']);
    expect(codeOf(() => edit.addNode(document, 'sum', sum, [0, 0]))).toBe('BAD_ID');
    expect(codeOf(() => edit.addNode(document, 'a b', sum, [0, 0]))).toBe('BAD_ID');
  });

  it('remove nodes with their wires, and share what did not change', () => {
    const document = edit.removeNodes(start, ['a']);
    expect(document.nodes).toEqual({
      n: start.nodes.n,
      b: node('sum', {}, { b: 'n.number' }),
      t: node('total', {}, { numbers: ['b.number'] }),
    });
    expect(document.nodes.n).toBe(start.nodes.n);
  });

  it('connect: replace a single wire, append to many, do not repeat', () => {
    const replaced = edit.connect(start, library, ['n', 'number'], 'b', 'a');
    expect(replaced.nodes.b?.inputs.a).toEqual([['n', 'number']]);
    const appended = edit.connect(start, library, ['n', 'number'], 't', 'numbers');
    expect(appended.nodes.t?.inputs.numbers).toEqual([
      ['a', 'number'],
      ['b', 'number'],
      ['n', 'number'],
    ]);
    expect(edit.connect(start, library, ['a', 'number'], 't', 'numbers')).toBe(start);
  });

  it('connect: refuse what could never run', () => {
    const refused = (wire: [string, string], id: string, port: string) => {
      const refusal = edit.findRefusal(start, library, wire, id, port)?.code ?? 'none';
      expect(codeOf(() => edit.connect(start, library, wire, id, port))).toBe(refusal);
      return refusal;
    };
    expect(refused(['t', 'number'], 'a', 'a')).toBe('CYCLE');
    expect(refused(['t', 'number'], 'n', 'value')).toBe('CYCLE');
    expect(refused(['a', 'number'], 'a', 'b')).toBe('CYCLE');
    expect(refused(['t', 'text'], 'b', 'a')).toBe('TYPE_MISMATCH');
    expect(refused(['x', 'text'], 'b', 'a')).toBe('UNKNOWN_NODE');
    expect(refused(['n', 'text'], 'b', 'a')).toBe('UNKNOWN_OUTPUT');
    expect(refused(['n', 'number'], 'b', 'c')).toBe('UNKNOWN_INPUT');
    expect(refused(['n', 'number'], 'x', 'a')).toBe('UNKNOWN_NODE');
    expect(refused(['n', 'number'], 'b', 'scale')).toBe('none');
  });

  it('disconnect one wire or all', () => {
    expect(edit.disconnect(start, 't', 'numbers', ['a', 'number']).nodes.t?.inputs).toEqual({
      numbers: [['b', 'number']],
    });
    expect(edit.disconnect(start, 't', 'numbers').nodes.t?.inputs).toEqual({});
    expect(edit.disconnect(start, 't', 'nothing')).toBe(start);
  });

  it('set params by their rules', () => {
    expect(edit.setParam(start, library, 'n', 'value', 5).nodes.n?.params).toEqual({ value: 5 });
    expect(codeOf(() => edit.setParam(start, library, 'n', 'value', 500))).toBe('BAD_PARAM');
    expect(codeOf(() => edit.setParam(start, library, 'n', 'valeu', 5))).toBe('UNKNOWN_PARAM');
    expect(codeOf(() => edit.setParam(start, library, 'x', 'value', 5))).toBe('UNKNOWN_PARAM');
  });

  it('rename, move, mute and collapse', () => {
    expect(edit.renameNode(start, 'n', 'Two').nodes.n?.title).toBe('Two');
    expect(edit.renameNode(edit.renameNode(start, 'n', 'Two'), 'n', '')).toEqual(start);
    expect(edit.moveNodes(start, { n: [1, 2], a: [3, 4] }).nodes.a?.position).toEqual([3, 4]);
    expect(edit.muteNode(start, 'n', true).nodes.n?.muted).toBe(true);
    expect(edit.muteNode(edit.muteNode(start, 'n', true), 'n', false)).toEqual(start);
    expect(edit.collapseNode(start, 'n', true).nodes.n?.collapsed).toBe(true);
    expect(edit.renameGraph(start, 'New').title).toBe('New');
    expect(codeOf(() => edit.renameNode(start, 'x', 'Two'))).toBe('UNKNOWN_NODE');
  });
});

describe('applyOverrides', () => {
  const titled = { ...start, nodes: { ...start.nodes, n: { ...start.nodes.n!, title: 'My v1.5 number' } } };

  it('sets params by id or unique title, and reads texts by the kind of the param', () => {
    expect(applyOverrides(start, { 'n.value': '7' }, library).nodes.n?.params).toEqual({ value: 7 });
    expect(applyOverrides(start, { 'n.value': 7 }, library).nodes.n?.params).toEqual({ value: 7 });
    expect(applyOverrides(titled, { 'My v1.5 number.value': '-1e1' }, library).nodes.n?.params).toEqual({ value: -10 });
    expect(start.nodes.n?.params).toEqual({ value: 2 });
  });

  it('wins over a wire that drives the param', () => {
    const driven = edit.connect(start, library, ['n', 'number'], 'a', 'scale');
    const set = applyOverrides(driven, { 'a.scale': 3 }, library);
    expect(set.nodes.a).toEqual(node('sum', { scale: 3 }, { a: 'n.number' }));
    expect(checkGraph(set, library)).toEqual([]);
  });

  it.each([
    [{ 'm.value': 1 }, 'UNKNOWN_NODE', 'The graph has no node "m". Its nodes are n, a, b, t.'],
    [{ 'Totol.value': 1 }, 'UNKNOWN_NODE', 'Did you mean "Total"?'],
    [{ 'Sum.scale': 1 }, 'UNKNOWN_NODE', '2 nodes are called "Sum". Use an id: a, b.'],
    [
      { 'n.valeu': 1 },
      'UNKNOWN_PARAM',
      '"Number" (n) has no param "valeu". Did you mean "value"? Its params are value.',
    ],
    [{ 't.value': 1 }, 'UNKNOWN_PARAM', '"Total" (t) has no param "value". It has none.'],
    [{ value: 1 }, 'UNKNOWN_PARAM', 'Write node.param'],
    [{ '__proto__.value': 1 }, 'UNKNOWN_NODE', 'no node "__proto__"'],
    [
      { 'n.value': 'seven' },
      'BAD_PARAM',
      '"Number" (n): the param value cannot be "seven". It must be a number from -100 to 100.',
    ],
    [{ 'a.mode': 'some' }, 'BAD_PARAM', 'It must be one of "sum", "product".'],
    [{ 'n.value': 101 }, 'BAD_PARAM', 'cannot be 101'],
  ])('refuses %j', (overrides, code, sentence) => {
    expect(codeOf(() => applyOverrides(start, overrides as never, library))).toBe(code);
    expect(() => applyOverrides(start, overrides as never, library)).toThrow(sentence);
  });

  it('refuses to set params of a node of unknown type', () => {
    const strange = graph({ x: node('strange') });
    expect(codeOf(() => applyOverrides(strange, { 'x.a': 1 }, library))).toBe('UNKNOWN_TYPE');
  });
});
