import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { type GraphDocument, type GraphNode, limits, type Subgraph } from '../../../graphs/document/document.ts';
import { INPUTS, levelCards, levelOf, OUTPUTS, subgraphAt, withLevel } from '../../../graphs/document/levels.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { setParam } from '../../../graphs/edit/edit.ts';
import { extractFragment, insertFragment } from '../../../graphs/edit/fragment.ts';
import { applyOverrides } from '../../../graphs/edit/overrides.ts';
import * as edit from '../../../graphs/edit/subgraphs.ts';
import { cacheKeys } from '../../../graphs/run/cacheKeys.ts';
import { flattenGraph } from '../../../graphs/run/flatten.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { UserError } from '../../../nodes/errors.ts';
import { anyGraph, exampleEngine, graph, library, node, runOnce } from '../example.ts';

/** scale * (2 + 3), and twice as much again. */
const start = graph({
  two: node('number', { value: 2 }),
  three: node('number', { value: 3 }),
  sum: node('sum', { scale: 4 }, { a: 'two.number', b: 'three.number' }),
  total: node('total', {}, { numbers: ['two.number', 'sum.number', 'three.number', 'sum.number'] }),
});
const made = edit.makeSubgraph(start, library, ['sum'], 'Scaled sum').document;
const cards = levelCards(made, library);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return 'none';
}

/** What a graph computes, whatever its nodes are called: the keys of all steps. */
function computed(document: GraphDocument): (string | undefined)[] {
  return cacheKeys(
    planRun(document, library),
    new Map([
      ['mean', 'm'],
      ['other', 'o'],
    ]),
  ).sort();
}

const subgraph = (nodes: Record<string, GraphNode>, ports: Partial<Subgraph> = {}): Subgraph => ({
  title: 'S',
  inputs: {},
  outputs: {},
  ...ports,
  nodes,
});
const use = (name: string, connections = {}, params = {}) => ({
  ...node('', params, connections),
  type: `subgraph/${name}`,
});

describe('makeSubgraph', () => {
  it('gives it a port for each source outside and each output that is read outside', () => {
    expect(made.subgraphs?.['scaled-sum']).toMatchObject({
      title: 'Scaled sum',
      inputs: { a: 'number', b: 'number' },
      outputs: { number: 'number' },
      nodes: {
        inputs: { type: INPUTS },
        sum: { params: { scale: 4 }, inputs: { a: [['inputs', 'a']], b: [['inputs', 'b']] } },
        outputs: { type: OUTPUTS, inputs: { number: [['sum', 'number']] } },
      },
    });
    expect(made.nodes['scaled-sum']).toMatchObject({ inputs: { a: [['two', 'number']], b: [['three', 'number']] } });
    expect(made.nodes.total?.inputs.numbers?.map(([from]) => from)).toEqual([
      'two',
      'scaled-sum',
      'three',
      'scaled-sum',
    ]);
    expect(cards.get('subgraph/scaled-sum')).toMatchObject({
      title: 'Scaled sum',
      inputs: { a: { type: 'number', count: 'one' }, b: { type: 'number', count: 'optional' } },
      outputs: { number: { type: 'number', list: false } },
    });
  });

  it('keeps the order of wires into an input of many', () => {
    const { document } = edit.makeSubgraph(start, library, ['sum', 'total'], 'All');
    expect(document.subgraphs?.all?.nodes.total?.inputs.numbers).toEqual([
      ['inputs', 'a'],
      ['sum', 'number'],
      ['inputs', 'b'],
      ['sum', 'number'],
    ]);
    expect(flattenGraph(document, library).nodes['all/total']?.inputs.numbers?.map(([from]) => from)).toEqual([
      'two',
      'all/sum',
      'three',
      'all/sum',
    ]);
  });

  it('refuses nothing, and a selection that a node outside lies between', () => {
    expect(codeOf(() => edit.makeSubgraph(start, library, ['nobody'], 'S'))).toBe('NOTHING');
    expect(codeOf(() => edit.makeSubgraph(start, library, ['two', 'total'], 'S'))).toBe('CYCLE');
  });

  it('and unmakeSubgraph change nothing of what a graph computes, however often and deep', () => {
    let [kept, deep] = [0, 0];
    fc.assert(
      fc.property(
        anyGraph,
        fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
        (document, choices) => {
          const before = computed(document);
          let grown = document;
          for (const picks of choices) {
            const ids = Object.keys(grown.nodes);
            try {
              const chosen = picks.map((pick) => ids[pick % ids.length] as string);
              grown = edit.makeSubgraph(grown, levelCards(grown, library), chosen, 'Part').document;
            } catch (error) {
              expect((error as UserError).code).toBe('CYCLE');
              continue;
            }
            kept++;
            expect(checkGraph(grown, library)).toEqual([]);
            expect(computed(grown)).toEqual(before);
            const read = readGraph(writeGraph(grown), library);
            expect(read).toEqual({ document: grown, problems: [] });
          }
          for (let rounds = 0; grown.subgraphs; rounds++) {
            const id = Object.keys(grown.nodes).find((each) =>
              grown.nodes[each]?.type.startsWith('subgraph/'),
            ) as string;
            const name = grown.nodes[id]?.type.slice('subgraph/'.length) as string;
            grown = edit.dropUnused(edit.unmakeSubgraph(grown, id).document, name);
            expect(computed(grown)).toEqual(before);
            deep = Math.max(deep, rounds);
          }
          expect(Object.keys(grown.nodes)).toHaveLength(Object.keys(document.nodes).length);
        },
      ),
      { seed: 11, numRuns: 100 },
    );
    expect(kept).toBeGreaterThan(100);
    expect(deep).toBeGreaterThan(1);
  });
});

describe('a subgraph', () => {
  it('runs as its nodes do, under ids that say where they are', async () => {
    const { ran, problems } = await runOnce(exampleEngine(), made);
    expect(problems).toEqual([]);
    expect(ran).toEqual(['scaled-sum/sum', 'three', 'total', 'two']);
    const only = planRun(made, library, ['scaled-sum']).steps;
    expect(only.map(({ id, target }) => [id, target])).toEqual([
      ['two', false],
      ['three', false],
      ['scaled-sum/sum', true],
    ]);
    expect(planRun(made, library, ['scaled-sum/sum']).steps).toEqual(only);
  });

  it('is used with other values where a port leads to a param', () => {
    const inside = levelOf(made, 'scaled-sum');
    const open = withLevel(made, 'scaled-sum', edit.addInput(inside, library, 'scaled-sum', 'inputs', 'sum', 'scale'));
    const known = levelCards(open, library);
    expect(known.get('subgraph/scaled-sum')?.params.scale).toMatchObject({ kind: 'number', initial: 4, max: 1000 });
    expect(computed(open)).toEqual(computed(start));
    const set = setParam(open, known, 'scaled-sum', 'scale', 9);
    expect(computed(set)).toEqual(computed(setParam(start, library, 'sum', 'scale', 9)));
    const driven = { ...set, nodes: { ...set.nodes, 'scaled-sum': { ...(set.nodes['scaled-sum'] as GraphNode) } } };
    (driven.nodes['scaled-sum'] as { inputs: unknown }).inputs = {
      ...set.nodes['scaled-sum']?.inputs,
      scale: [['two', 'number']],
    };
    expect(flattenGraph(driven, library).nodes['scaled-sum/sum']?.inputs.scale).toEqual([['two', 'number']]);
    expect(computed(edit.unmakeSubgraph(set, 'scaled-sum').document)).toEqual(computed(set));
    const twice = edit.makeSubgraph(set, known, ['scaled-sum'], 'Outer').document;
    expect(computed(twice)).toEqual(computed(set));
  });

  it('that is muted passes on its first input of the type at its output', () => {
    const muted = {
      ...made,
      nodes: { ...made.nodes, 'scaled-sum': { ...(made.nodes['scaled-sum'] as GraphNode), muted: true } },
    };
    expect(checkGraph(muted, library)).toEqual([]);
    expect(planRun(muted, library).steps.map(({ id }) => id)).toEqual(['two', 'three', 'total']);
    expect(flattenGraph(muted, library).nodes.total?.inputs.numbers?.map(([from]) => from)).toEqual([
      'two',
      'two',
      'three',
      'two',
    ]);
    expect(codeOf(() => planRun(muted, library, ['scaled-sum']))).toBe('MUTED');
  });

  it('tells its problems with the way to them', () => {
    const broken = setParam(made, cards, 'two', 'value', 1);
    const inside = levelOf(broken, 'scaled-sum');
    const wrong = { ...inside, nodes: { ...inside.nodes, sum: node('sum', { scale: -1 }) } };
    const { 'scaled-sum': outer, ...others } = broken.nodes;
    const cut = { ...broken, nodes: { ...others, 'scaled-sum': { ...(outer as GraphNode), inputs: {} } } };
    const problems = checkGraph({ ...withLevel(cut, 'scaled-sum', wrong), nodes: cut.nodes }, library);
    expect(problems.map(({ code, at }) => [code, at])).toEqual([
      ['BAD_PARAM', { node: 'scaled-sum/sum', param: 'scale' }],
      ['MISSING_INPUT', { node: 'scaled-sum/sum', port: 'a' }],
    ]);
    expect(problems[0]?.message).toMatch(/^Inside "Scaled sum" \(scaled-sum\): "Sum" \(sum\): the param scale is -1\./);
    expect(checkGraph(cut, library).map(({ code, at }) => [code, at])).toEqual([
      ['MISSING_INPUT', { node: 'scaled-sum', port: 'a' }],
    ]);
  });

  it('cannot hold itself', () => {
    const circular = {
      ...graph({ a: use('a') }),
      subgraphs: { a: subgraph({ b: use('b') }), b: subgraph({ c: use('a') }) },
    };
    expect(checkGraph(circular, library)).toMatchObject([
      { code: 'CYCLE', message: expect.stringContaining('contains itself: a > b > a') },
    ]);
    expect(codeOf(() => planRun(circular, library))).toBe('CYCLE');
  });

  it('cannot take more than the memory that a graph may', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 25 }, (_, i) => [
        `s${i}`,
        subgraph(i === 24 ? {} : { l: use(`s${i + 1}`), r: use(`s${i + 1}`) }),
      ]),
    );
    const bomb = { ...graph({ a: use('s0') }), subgraphs: doubling };
    expect(checkGraph(bomb, library)).toMatchObject([{ code: 'TOO_LARGE', value: 2 ** 25 - 1 }]);
    const chain = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`s${i}`, subgraph(i === 999 ? {} : { n: use(`s${i + 1}`) })]),
    );
    const deep = { ...graph({ a: use('s0') }), subgraphs: chain };
    expect(checkGraph(deep, library)).toMatchObject([{ code: 'TOO_LARGE', value: 1000 }]);
    const { s0: _s0, ...short } = chain;
    const allowed = { ...graph({ a: use(`s${1000 - limits.nesting}`) }), subgraphs: short };
    expect(checkGraph(allowed, library)).toEqual([]);
  });

  it('that is not there is an unknown type', () => {
    expect(checkGraph(graph({ a: use('nothing') }), library).map(({ code }) => code)).toEqual(['UNKNOWN_TYPE']);
    expect(codeOf(() => planRun(graph({ a: use('nothing') }), library))).toBe('UNKNOWN_TYPE');
    expect(codeOf(() => edit.unmakeSubgraph(graph({ a: use('nothing') }), 'a'))).toBe('UNKNOWN_TYPE');
  });

  it('is found by the path of nodes that leads to it', () => {
    const twice = edit.makeSubgraph(made, cards, ['scaled-sum'], 'Outer').document;
    expect(subgraphAt(twice, [])).toBeUndefined();
    expect(subgraphAt(twice, ['outer'])).toBe('outer');
    expect(subgraphAt(twice, ['outer', 'scaled-sum'])).toBe('scaled-sum');
    expect(subgraphAt(twice, ['outer', 'sum'])).toBeUndefined();
  });
});

describe('ports', () => {
  const twice = {
    ...made,
    nodes: { ...made.nodes, again: { ...(made.nodes['scaled-sum'] as GraphNode), params: {} } },
  };

  it('are renamed inside and wherever the subgraph is used', () => {
    const named = edit.renamePort(
      edit.renamePort(twice, 'scaled-sum', 'inputs', 'a', 'first'),
      'scaled-sum',
      'outputs',
      'number',
      'sum',
    );
    expect(named.nodes.again?.inputs).toEqual({ first: [['two', 'number']], b: [['three', 'number']] });
    expect(named.nodes.total?.inputs.numbers?.[1]).toEqual(['scaled-sum', 'sum']);
    expect(checkGraph(named, library)).toEqual([]);
    expect(computed(named)).toEqual(computed(twice));
    expect(codeOf(() => edit.renamePort(twice, 'scaled-sum', 'inputs', 'a', 'b'))).toBe('BAD_PORT');
    expect(codeOf(() => edit.renamePort(twice, 'scaled-sum', 'inputs', 'a', 'a b'))).toBe('BAD_PORT');
  });

  it('go with their wires', () => {
    const cut = edit.removePort(twice, 'scaled-sum', 'inputs', 'b');
    expect(cut.nodes.again?.inputs).toEqual({ a: [['two', 'number']] });
    expect(cut.subgraphs?.['scaled-sum']?.nodes.sum?.inputs).toEqual({ a: [['inputs', 'a']] });
    expect(checkGraph(cut, library)).toEqual([]);
  });

  it('are added at either end', () => {
    const inside = levelOf(made, 'scaled-sum');
    const wired = edit.addOutput(
      inside,
      levelCards(made, library, 'scaled-sum'),
      'scaled-sum',
      ['inputs', 'a'],
      'outputs',
    );
    const grown = withLevel(made, 'scaled-sum', wired);
    expect(grown.subgraphs?.['scaled-sum']?.outputs).toEqual({ number: 'number', a: 'number' });
    expect(checkGraph(grown, library)).toEqual([]);
    const read = { ...grown, nodes: { ...grown.nodes, t: node('total', {}, { numbers: 'scaled-sum.a' }) } };
    expect(flattenGraph(read, library).nodes.t?.inputs.numbers).toEqual([['two', 'number']]);
  });
});

describe('overrides', () => {
  it('reach inside, and give the node a subgraph of its own where it has not', () => {
    const alone = applyOverrides(made, { 'scaled-sum/sum.scale': '7' }, library);
    expect(Object.keys(alone.subgraphs ?? {})).toEqual(['scaled-sum']);
    expect(computed(alone)).toEqual(computed(setParam(start, library, 'sum', 'scale', 7)));
    const twice = { ...made, nodes: { ...made.nodes, again: made.nodes['scaled-sum'] as GraphNode } };
    const set = applyOverrides(twice, { 'again/Sum.scale': 7, 'two.value': 1 }, library);
    expect(set.nodes.again?.type).toBe('subgraph/scaled-sum-2');
    expect(set.subgraphs?.['scaled-sum']?.nodes.sum?.params.scale).toBe(4);
    expect(set.subgraphs?.['scaled-sum-2']?.nodes.sum?.params.scale).toBe(7);
    expect(codeOf(() => applyOverrides(made, { 'scaled-sum/nobody.scale': 1 }, library))).toBe('UNKNOWN_NODE');
    expect(codeOf(() => applyOverrides(made, { 'two/sum.scale': 1 }, library))).toBe('UNKNOWN_NODE');
  });
});

describe('a fragment', () => {
  const outer = edit.makeSubgraph(made, cards, ['scaled-sum'], 'Outer').document;

  it('carries the subgraphs that it needs', () => {
    const fragment = extractFragment(outer, ['outer']);
    expect(Object.keys(fragment.subgraphs ?? {}).sort()).toEqual(['outer', 'scaled-sum']);
    const pasted = insertFragment(graph({}), fragment, [0, 0]);
    expect(pasted.document.subgraphs).toEqual(outer.subgraphs);
    expect(insertFragment(outer, fragment, [0, 0]).document.subgraphs).toEqual(outer.subgraphs);
  });

  it('has other names where the same ones mean something else', () => {
    const other = withLevel(outer, 'scaled-sum', setParam(levelOf(outer, 'scaled-sum'), library, 'sum', 'scale', 1));
    const pasted = insertFragment(other, extractFragment(outer, ['outer']), [0, 0]);
    expect(Object.keys(pasted.document.subgraphs ?? {}).sort()).toEqual([
      'outer',
      'outer-2',
      'scaled-sum',
      'scaled-sum-2',
    ]);
    expect(pasted.document.subgraphs?.['outer-2']?.nodes['scaled-sum']?.type).toBe('subgraph/scaled-sum-2');
    expect(pasted.document.nodes[pasted.ids[0] as string]?.type).toBe('subgraph/outer-2');
  });

  it('leaves the nodes of ports behind', () => {
    const inside = levelOf(made, 'scaled-sum');
    expect(Object.keys(extractFragment(inside, Object.keys(inside.nodes)).nodes)).toEqual(['sum']);
  });
});

describe('reroutes', () => {
  const way = (from: string) => ({ ...node('', {}, { value: from }), type: 'reroute/number' });

  it('pass on what comes, and are gone when the graph runs', async () => {
    const rerouted = graph({
      ...start.nodes,
      w: way('two.number'),
      v: way('w.value'),
      sum: node('sum', { scale: 4 }, { a: 'v.value', b: 'three.number' }),
    });
    expect(checkGraph(rerouted, library)).toEqual([]);
    expect(computed(rerouted)).toEqual(computed(start));
    expect((await runOnce(exampleEngine(), rerouted)).ran).toEqual(['sum', 'three', 'total', 'two']);
  });

  it('end where they form a circle', () => {
    const circle = graph({ w: way('v.value'), v: way('w.value'), sum: node('sum', {}, { a: 'v.value' }) });
    expect(flattenGraph(circle, library).nodes).toEqual({ sum: { ...circle.nodes.sum, inputs: {} } });
  });

  it('have the type of what comes', () => {
    const wrong = graph({ t: node('text'), w: way('t.text'), x: way('x.value') });
    expect(checkGraph(wrong, library).map(({ code, at }) => [code, at.node])).toEqual([
      ['TYPE_MISMATCH', 'w'],
      ['CYCLE', 'x'],
    ]);
    expect(checkGraph(graph({ w: { ...way('t.text'), inputs: {} } }), library).map(({ code }) => code)).toEqual([
      'MISSING_INPUT',
    ]);
  });
});
