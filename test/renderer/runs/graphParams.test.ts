import { expect, it } from 'vitest';
import { makeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { compareParams, listParams } from '../../../renderer/runs/graphParams.ts';
import { graph, library, node } from '../../graphs/example.ts';

const left = graph({ n: node('number', { value: 2 }), a: node('sum', { mode: 'sum' }, { a: 'n.number' }) });

it('lists params and wires of all levels as text', () => {
  expect(listParams(left)).toEqual({ 'n.value': '2', 'a.mode': 'sum', 'a.a': '← n.number' });
  const { document } = makeSubgraph(left, library, ['n'], 'Inner');
  const [name] = Object.keys(document.subgraphs ?? {});
  expect(listParams(document)[`${name}: n.value`]).toBe('2');
});

it('tells what differs, also where one graph has no such param', () => {
  const right = graph({ n: node('number', { value: 3 }), a: node('sum', { mode: 'sum', scale: 1 }) });
  expect(compareParams(left, right)).toEqual([
    { name: 'n.value', left: '2', right: '3' },
    { name: 'a.a', left: '← n.number', right: undefined },
    { name: 'a.scale', left: undefined, right: '1' },
  ]);
  expect(compareParams(left, left)).toEqual([]);
});
