import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { isStale } from '../../../renderer/state/stale.ts';
import { graph, node } from '../../graphs/example.ts';

const chain = graph({
  a: node('number', { value: 1 }),
  b: node('sum', {}, { a: 'a.number' }),
  c: node('sum', {}, { a: 'b.sum' }),
  other: node('number', { value: 5 }),
});
const change = (document: GraphDocument, id: string, changes: object): GraphDocument => ({
  ...document,
  nodes: { ...document.nodes, [id]: { ...document.nodes[id]!, ...changes } },
});

describe('isStale', () => {
  it('spreads from what changed to all behind it, and to nothing else', () => {
    const now = change(chain, 'b', { params: { scale: 3 } });
    expect(['a', 'b', 'c', 'other'].map((id) => isStale(chain, now, id))).toEqual([false, true, true, false]);
    const rewired = change(chain, 'c', { inputs: { a: [['other', 'number']] } });
    expect(['a', 'b', 'c'].map((id) => isStale(chain, rewired, id))).toEqual([false, false, true]);
    expect(isStale(chain, change(chain, 'a', { muted: true }), 'c')).toBe(true);
  });

  it('looks past places, titles, colours, and the order of params', () => {
    const before = change(chain, 'a', { params: { value: 1, more: 2 } });
    const moved = change(before, 'a', {
      position: [9, 9],
      title: 'T',
      colour: 'red',
      collapsed: true,
      params: { more: 2, value: 1 },
    });
    expect(isStale(before, moved, 'c')).toBe(false);
  });

  it('does not hold of a node that came or whose source is gone', () => {
    const { a: _, ...rest } = chain.nodes;
    const now = { ...chain, nodes: { ...rest, b: node('sum') } };
    expect(isStale(chain, now, 'c')).toBe(true);
    expect(isStale({ ...chain, nodes: rest }, chain, 'a')).toBe(true);
  });

  it('undoes itself with the change', () => {
    fc.assert(
      fc.property(fc.constantFrom('a', 'b', 'other'), fc.integer({ min: 10 }), (id, value) => {
        const now = change(chain, id, { params: { value } });
        const back = change(now, id, { params: { ...chain.nodes[id]!.params } });
        expect(isStale(chain, now, id)).toBe(true);
        for (const each of Object.keys(chain.nodes)) expect(isStale(chain, back, each)).toBe(false);
      }),
      { seed: 5, numRuns: 50 },
    );
  });

  it('goes into subgraphs and out of them', () => {
    const inside = { x: node('number', { value: 1 }), y: node('number', { value: 2 }) };
    const whole = (value: number, outer: number): GraphDocument => ({
      ...graph({
        n: node('number', { value: outer }),
        s: { ...node('x', {}, { in: 'n.number' }), type: 'subgraph/part' },
        after: node('sum', {}, { a: 's.out' }),
      }),
      subgraphs: {
        part: { title: 'Part', inputs: {}, outputs: {}, nodes: { ...inside, x: node('number', { value }) } },
      },
    });
    const now = whole(7, 0);
    expect(['n', 's', 'after', 's/x', 's/y'].map((id) => isStale(whole(1, 0), now, id))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(['s', 's/x', 's/y'].map((id) => isStale(whole(1, 0), whole(1, 4), id))).toEqual([true, true, true]);
  });
});
