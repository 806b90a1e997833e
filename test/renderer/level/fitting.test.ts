import { expect, it } from 'vitest';
import { listPossibleWires } from '../../../renderer/level/fitting.ts';
import { graph, library, node } from '../../graphs/example.ts';

it('names every wire that a node can have and has not, those to inputs first', () => {
  const document = graph({ n: node('number'), a: node('sum', {}, { a: 'n.number' }), t: node('text') });
  const named = (id: string) =>
    listPossibleWires(document, library, id).map(({ wire, node, name }) => `${wire.join('.')} > ${node}.${name}`);
  expect(named('n')).toEqual(['n.number > a.b', 'n.number > a.scale']);
  expect(named('a')).toEqual(['n.number > a.b', 'n.number > a.scale', 't.text > a.mode']);
  expect(named('t')).toEqual(['t.text > a.mode']);
});
