import { expect, it } from 'vitest';
import { reseed } from '../../../graphs/edit/reseed.ts';
import { graph, library, node } from '../example.ts';

/** 100, 101, 102 ... */
const counter = () => {
  let last = 99;
  return () => ++last;
};

it('draws other seeds, the same one for seeds that were equal', () => {
  const before = graph({
    a: node('noise', { seed: 3 }),
    b: node('noise', { seed: 3, count: 2 }),
    c: node('noise', { seed: 4 }),
    initial: node('noise'),
  });
  const { nodes } = reseed(before, library, counter());
  expect(Object.values(nodes).map(({ params }) => params)).toEqual([
    { seed: 100 },
    { seed: 100, count: 2 },
    { seed: 101 },
    { seed: 102 },
  ]);
});

it('reaches into subgraphs, and leaves alone what a wire drives and graphs without seeds', () => {
  const driven = graph({ n: node('number'), a: node('noise', { seed: 3 }, { seed: 'n.number' }) });
  expect(reseed(driven, library, counter())).toBe(driven);
  const inside = { title: 'Inside', inputs: {}, outputs: {}, nodes: { a: node('noise', { seed: 3 }) } };
  const reseeded = reseed({ ...driven, subgraphs: { inside } }, library, counter());
  expect(reseeded.nodes).toEqual(driven.nodes);
  expect(reseeded.subgraphs?.inside).toEqual({ ...inside, nodes: { a: node('noise', { seed: 100 }) } });
});
