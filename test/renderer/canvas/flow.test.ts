import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveNodes } from '../../../graphs/edit/edit.ts';
import { wiresOf } from '../../../graphs/edit/rewire.ts';
import {
  edgeId,
  type FlowNode,
  flowEdges,
  flowNodes,
  insideFrame,
  looseEnd,
  markOf,
  wireOfConnection,
  wireOfEdge,
} from '../../../renderer/canvas/flow.ts';
import { anyGraph, graph, library, node } from '../../graphs/example.ts';

const none = new Set<string>();
const start = {
  ...graph({ n: node('number'), a: node('sum', {}, { a: 'n.number', scale: 'n.number' }), u: node('unheard') }),
  notes: [{ text: 'here', position: [0, 0], size: [80, 40] }],
  frames: [{ title: 'all', position: [-8, -8], size: [800, 400] }],
} as const;

it('names nodes and wires for those who do not see them, by titles as they are', () => {
  const cards = library;
  const nodes = flowNodes(start, cards, none, []);
  expect(nodes.map(({ ariaLabel }) => ariaLabel).slice(1, 4)).toEqual(['Number', 'Sum', 'test/unheard']);
  const labels = (document: typeof start) => flowEdges(document, cards, none).map(({ ariaLabel }) => ariaLabel);
  expect(labels(start)[0]).toBe('Wire: number of Number to a of Sum');
  const renamed = { ...start, nodes: { ...start.nodes, n: { ...start.nodes.n, title: 'Three' } } } as typeof start;
  expect(labels(renamed)[0]).toBe('Wire: number of Three to a of Sum');
});

describe('flowNodes', () => {
  it('draws frames behind and notes before the nodes', () => {
    expect(flowNodes(start, library, none, []).map(({ id, type }) => [id, type])).toEqual([
      ['frames:0', 'frame'],
      ['n', 'card'],
      ['a', 'card'],
      ['u', 'card'],
      ['notes:0', 'note'],
    ]);
  });

  it('gives the same objects for what did not change, with the sizes measured', () => {
    const before = flowNodes(start, library, none, []).map(
      (one): FlowNode => ({ ...one, measured: { width: 256, height: 100 } }) as FlowNode,
    );
    expect(flowNodes(start, library, none, before)).toEqual(before);
    for (const [i, one] of flowNodes(start, library, none, before).entries()) expect(one).toBe(before[i]);
    const moved = flowNodes(moveNodes(start, { a: [500, 8] }), library, new Set(['n']), before);
    expect(moved[1]).toEqual({ ...before[1], selected: true });
    expect(moved[2]).toMatchObject({ position: { x: 500, y: 8 }, measured: { width: 256 } });
    expect(moved[3]).toBe(before[3]);
  });

  it('does not draw notes without a place', () => {
    const odd = { ...start, notes: [{ text: 'nowhere' }] } as unknown as typeof start;
    expect(flowNodes(odd, library, none, []).map(({ id }) => id)).not.toContain('notes:0');
  });
});

describe('flowEdges', () => {
  it('draws each wire with the type it carries', () => {
    expect(flowEdges(start, library, none)).toMatchObject([
      { source: 'n', sourceHandle: 'number', target: 'a', targetHandle: 'a', data: { type: 'number' } },
      { source: 'n', sourceHandle: 'number', target: 'a', targetHandle: 'scale' },
    ]);
  });

  it('gives the same objects while neither the wire nor its selection changes', () => {
    const [first, second] = flowEdges(start, library, none);
    const again = flowEdges(start, library, new Set([second!.id]));
    expect(again[0]).toBe(first);
    expect(again[1]).toMatchObject({ id: second!.id, selected: true });
  });

  it('and back again names the wires of any graph', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const edges = flowEdges(document, library, none);
        const drawn = wiresOf(document).filter(({ wire }) => document.nodes[wire[0]]);
        expect(edges.map((edge) => wireOfEdge(edge.id))).toEqual(drawn);
        expect(edges.map((edge) => wireOfConnection(edge))).toEqual(drawn);
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});

describe('names on the canvas', () => {
  it('tell nodes, wires, notes and frames apart', () => {
    const id = edgeId({ wire: ['n', 'number'], node: 'a', name: 'a' });
    expect(wireOfEdge(id)).toEqual({ wire: ['n', 'number'], node: 'a', name: 'a' });
    expect(wireOfEdge('n')).toBeUndefined();
    expect(markOf('frames:12')).toEqual({ kind: 'frames', place: 12 });
    expect(markOf('n')).toBeUndefined();
    expect(looseEnd('n', 'number', 'source')).toEqual({ side: 'source', wire: ['n', 'number'] });
    expect(looseEnd('a', 'b', 'target')).toEqual({ side: 'target', node: 'a', name: 'b' });
  });
});

describe('insideFrame', () => {
  it('names what lies wholly inside', () => {
    const nodes = flowNodes(moveNodes(start, { n: [0, 0], a: [700, 0], u: [100, 100] }), library, none, []).map(
      (one): FlowNode => ({ ...one, measured: { width: 256, height: 100 } }) as FlowNode,
    );
    expect(insideFrame(nodes[0]!, nodes)).toEqual(['n', 'u', 'notes:0']);
  });
});
