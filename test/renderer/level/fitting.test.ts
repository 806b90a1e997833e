import { describe, expect, it } from 'vitest';
import { isReroute } from '../../../graphs/document/levels.ts';
import { findFittingCards, findSocketType, listPossibleWires } from '../../../renderer/level/fitting.ts';
import { graph, library, node } from '../../graphs/example.ts';

const document = graph({ n: node('number'), a: node('sum', {}, { a: 'n.number' }), t: node('text') });

it('names every wire that a node can have and has not, those to inputs first', () => {
  const named = (id: string) =>
    listPossibleWires(document, library, id).map(({ wire, node, name }) => `${wire.join('.')} > ${node}.${name}`);
  expect(named('n')).toEqual(['n.number > a.b', 'n.number > a.scale']);
  expect(named('a')).toEqual(['n.number > a.b', 'n.number > a.scale', 't.text > a.mode']);
  expect(named('t')).toEqual(['t.text > a.mode']);
});

describe('the nodes that fit', () => {
  const typesFor = (end: Parameters<typeof findFittingCards>[2]) => {
    const { cards, type } = findFittingCards(document, library, end);
    return { type, types: cards.map((card) => card.type) };
  };

  it('without a wire are all but dots', () => {
    const { type, types } = typesFor(undefined);
    expect(type).toBeUndefined();
    expect(types).toEqual([...library.values()].filter((card) => !isReroute(card)).map((card) => card.type));
  });

  it('an output take its type, as inputs before params', () => {
    const { type, types } = typesFor({ side: 'source', wire: ['n', 'number'] });
    expect(type).toBe('number');
    expect(types).not.toContain('test/text');
    expect(types).toContain('test/sum');
    expect(types.indexOf('test/sum')).toBeLessThan(types.indexOf('test/number')); // the value of a number is a param
  });

  it('an input give its type', () => {
    const { type, types } = typesFor({ side: 'target', node: 'a', name: 'b' });
    expect(type).toBe('number');
    expect(types).toContain('test/divide');
    expect(types).toContain('test/total'); // which gives a text as well
    expect(types).not.toContain('test/text');
  });

  it('a socket that is not known are all', () => {
    expect(typesFor({ side: 'source', wire: ['n', 'unheard'] })).toEqual(typesFor(undefined));
  });
});

it('knows the type at inputs, params and outputs', () => {
  const at = (node: string, name: string) => findSocketType(document, library, { side: 'target', node, name });
  expect([at('a', 'a'), at('a', 'scale'), at('a', 'mode'), at('a', 'odd'), at('gone', 'a')]).toEqual([
    'number',
    'number',
    'text',
    undefined,
    undefined,
  ]);
  expect(findSocketType(document, library, { side: 'source', wire: ['t', 'text'] })).toBe('text');
});
