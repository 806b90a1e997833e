import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { extractFragment, insertFragment } from '../../../graphs/edit/fragment.ts';
import { anyGraph, graph, library, node } from '../example.ts';

const start = {
  ...graph({
    n: node('number', { value: 2 }),
    a: node('sum', {}, { a: 'n.number' }),
    b: node('sum', {}, { a: 'a.number', b: 'n.number' }),
  }),
  notes: [{ text: 'here', position: [0, 0], size: [80, 40] }],
  frames: [{ title: 'both', position: [8, 8], size: [80, 40] }],
} as const;

describe('extractFragment', () => {
  it('keeps what is chosen and the wires between, and loses those from outside', () => {
    const fragment = extractFragment(start, ['b', 'a', 'nobody'], { notes: [0, 7] });
    expect(Object.keys(fragment.nodes)).toEqual(['a', 'b']);
    expect(fragment.nodes.a?.inputs).toEqual({});
    expect(fragment.nodes.b?.inputs).toEqual({ a: [['a', 'number']] });
    expect(fragment.notes).toEqual(start.notes);
    expect(fragment.frames).toBeUndefined();
  });
});

describe('insertFragment', () => {
  it('gives new ids where they are taken, moves everything and keeps the wires inside', () => {
    const fragment = extractFragment(start, ['n', 'a'], { frames: [0] });
    const { document, ids, framesFrom } = insertFragment(start, fragment, [10, 20]);
    expect(ids).toEqual(['number', 'sum']);
    expect(document.nodes.sum?.inputs).toEqual({ a: [['number', 'number']] });
    expect(document.nodes.sum?.position).toEqual([start.nodes.a!.position[0] + 10, start.nodes.a!.position[1] + 20]);
    expect(document.nodes.a).toBe(start.nodes.a);
    expect(framesFrom).toBe(1);
    expect(document.frames?.[1]).toEqual({ title: 'both', position: [18, 28], size: [80, 40] });
  });

  it('leaves a whole graph as it is when it is put into an empty one', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const all = extractFragment(document, Object.keys(document.nodes));
        expect(insertFragment(graph({}), all, [0, 0]).document.nodes).toEqual(all.nodes);
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it('makes no problem that a graph did not have', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        fc.pre(checkGraph(document, library).length === 0);
        const twice = insertFragment(document, extractFragment(document, Object.keys(document.nodes)), [0, 0]);
        expect(checkGraph(twice.document, library)).toEqual([]);
        expect(Object.keys(twice.document.nodes)).toHaveLength(2 * Object.keys(document.nodes).length);
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});
