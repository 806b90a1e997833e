import { expect, it } from 'vitest';
import { takeParams } from '../../../renderer/runs/takeParams.ts';
import { graph, node } from '../../graphs/example.ts';

it('sets the params of nodes that both graphs have, and leaves wires, places and other nodes', () => {
  const here = graph({
    a: node('number', { value: 1 }, {}, { position: [5, 5] }),
    b: node('sum', { scale: 2 }, { a: 'a.number' }),
    own: node('number', { value: 9 }),
  });
  const there = graph({
    a: node('number', { value: 3 }),
    b: node('sum', { scale: 2 }),
    own: node('noise', { seed: 4 }),
  });
  const { document, alike, changed } = takeParams(here, there);
  expect([alike, changed]).toEqual([2, 1]);
  expect(document.nodes.a).toMatchObject({ params: { value: 3 }, position: [5, 5] });
  expect(document.nodes.b).toBe(here.nodes.b);
  expect(document.nodes.own).toBe(here.nodes.own);
  expect(takeParams(here, here)).toEqual({ document: here, alike: 3, changed: 0 });
});
