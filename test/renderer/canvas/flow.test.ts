import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveNodes } from '../../../graphs/edit/edit.ts';
import { listWires } from '../../../graphs/edit/rewire.ts';
import {
  applySelectChanges,
  type FlowNode,
  findInsideFrame,
  flowId,
  holdEnd,
  readConnection,
  readFlowId,
  toFlowEdges,
  toFlowNodes,
} from '../../../renderer/canvas/flow.ts';
import { type CanvasItem, nodeItems, type Selection } from '../../../renderer/state/selection.ts';
import { anyGraph, graph, library, node } from '../../graphs/example.ts';

const none: Selection = [];
const start = {
  ...graph({ n: node('number'), a: node('sum', {}, { a: 'n.number', scale: 'n.number' }), u: node('unheard') }),
  notes: [{ text: 'here', position: [0, 0], size: [80, 40] }],
  frames: [{ title: 'all', position: [-8, -8], size: [800, 400] }],
} as const;

it('names nodes and wires for those who do not see them, by titles as they are', () => {
  const cards = library;
  const nodes = toFlowNodes(start, cards, none, []);
  expect(nodes.map(({ ariaLabel }) => ariaLabel).slice(1, 4)).toEqual(['Number', 'Sum', 'test/unheard']);
  const labels = (document: typeof start) => toFlowEdges(document, cards, none).map(({ ariaLabel }) => ariaLabel);
  expect(labels(start)[0]).toBe('Wire: number of Number to a of Sum');
  const renamed = { ...start, nodes: { ...start.nodes, n: { ...start.nodes.n, title: 'Three' } } } as typeof start;
  expect(labels(renamed)[0]).toBe('Wire: number of Three to a of Sum');
});

describe('toFlowNodes', () => {
  it('draws frames behind and notes before the nodes', () => {
    expect(toFlowNodes(start, library, none, []).map(({ id, type }) => [id, type])).toEqual([
      ['frames:0', 'frame'],
      ['n', 'card'],
      ['a', 'card'],
      ['u', 'card'],
      ['notes:0', 'note'],
    ]);
  });

  it('gives the same objects for what did not change, with the sizes measured', () => {
    const before = toFlowNodes(start, library, none, []).map(
      (one): FlowNode => ({ ...one, measured: { width: 256, height: 100 } }) as FlowNode,
    );
    expect(toFlowNodes(start, library, none, before)).toEqual(before);
    for (const [i, one] of toFlowNodes(start, library, none, before).entries()) expect(one).toBe(before[i]);
    const moved = toFlowNodes(moveNodes(start, { a: [500, 8] }), library, nodeItems(['n']), before);
    expect(moved[1]).toEqual({ ...before[1], selected: true });
    expect(moved[2]).toMatchObject({ position: { x: 500, y: 8 }, measured: { width: 256 } });
    expect(moved[3]).toBe(before[3]);
  });

  it('does not draw notes without a place', () => {
    const odd = { ...start, notes: [{ text: 'nowhere' }] } as unknown as typeof start;
    expect(toFlowNodes(odd, library, none, []).map(({ id }) => id)).not.toContain('notes:0');
  });
});

describe('toFlowEdges', () => {
  it('draws each wire with the type it carries', () => {
    expect(toFlowEdges(start, library, none)).toMatchObject([
      { source: 'n', sourceHandle: 'number', target: 'a', targetHandle: 'a', data: { type: 'number' } },
      { source: 'n', sourceHandle: 'number', target: 'a', targetHandle: 'scale' },
    ]);
  });

  it('gives the same objects while neither the wire nor its selection changes', () => {
    const [first, second] = toFlowEdges(start, library, none);
    const again = toFlowEdges(start, library, [readFlowId(second!.id)]);
    expect(again[0]).toBe(first);
    expect(again[1]).toMatchObject({ id: second!.id, selected: true });
  });

  it('and back again names the wires of any graph', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const edges = toFlowEdges(document, library, none);
        const drawn = listWires(document).filter(({ wire }) => document.nodes[wire[0]]);
        expect(edges.map((edge) => readFlowId(edge.id))).toEqual(drawn.map((arrived) => ({ kind: 'wire', arrived })));
        expect(edges.map((edge) => readConnection(edge))).toEqual(drawn);
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});

describe('names on the canvas', () => {
  it('tell nodes, wires, notes and frames apart', () => {
    const items: CanvasItem[] = [
      { kind: 'node', id: 'n' },
      { kind: 'note', place: 0 },
      { kind: 'frame', place: 12 },
      { kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } },
    ];
    expect(items.map(flowId)).toEqual(['n', 'notes:0', 'frames:12', 'n number a a']);
    expect(items.map(flowId).map(readFlowId)).toEqual(items);
  });

  it('change the selection as React Flow selects and deselects, and keep the items that stay', () => {
    const [n, note] = [{ kind: 'node', id: 'n' } as const, { kind: 'note', place: 1 } as const];
    const changes = [
      { id: 'n', selected: true },
      { id: 'notes:1', selected: false },
      { id: 'a', selected: true },
    ];
    const next = applySelectChanges([note, n], changes);
    expect(next).toEqual([n, { kind: 'node', id: 'a' }]);
    expect(next[0]).toBe(n);
  });

  it('tell which end of a wire is in the hand', () => {
    expect(holdEnd('n', 'number', 'source')).toEqual({ side: 'source', wire: ['n', 'number'] });
    expect(holdEnd('a', 'b', 'target')).toEqual({ side: 'target', node: 'a', name: 'b' });
  });
});

describe('findInsideFrame', () => {
  it('names what lies wholly inside', () => {
    const nodes = toFlowNodes(moveNodes(start, { n: [0, 0], a: [700, 0], u: [100, 100] }), library, none, []).map(
      (one): FlowNode => ({ ...one, measured: { width: 256, height: 100 } }) as FlowNode,
    );
    expect(findInsideFrame(nodes[0]!, nodes).map(({ id }) => id)).toEqual(['n', 'u', 'notes:0']);
  });
});
