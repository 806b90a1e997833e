import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { levelCards } from '../../../graphs/document/levels.ts';
import { connect } from '../../../graphs/edit/edit.ts';
import { insertIntoWire, insertReroute, listWires, placesFor, removeAndRejoin } from '../../../graphs/edit/rewire.ts';
import { graph, library, node } from '../example.ts';

const start = graph({
  n: node('number'),
  a: node('sum', {}, { a: 'n.number' }),
  b: node('sum', {}, { a: 'a.number' }),
  loose: node('sum'),
  t: node('text'),
});

describe('placesFor', () => {
  it('names free inputs first, then inputs that have a wire, then params', () => {
    expect(placesFor(start, library, ['n', 'number'], 'b')).toEqual(['b', 'a', 'scale']);
    expect(placesFor(start, library, ['t', 'text'], 'b')).toEqual(['mode']);
  });

  it('does not offer a text where it has to be read as a number, though it may be connected there', () => {
    expect(connect(start, library, ['t', 'text'], 'b', 'scale').nodes.b?.inputs.scale).toEqual([['t', 'text']]);
  });

  it('names none that would close a circle', () => {
    expect(placesFor(start, library, ['b', 'number'], 'a')).toEqual([]);
  });
});

describe('insertIntoWire', () => {
  const wire = { wire: ['n', 'number'], node: 'a', name: 'a' } as const;

  it('leads the wire through the node', () => {
    const joined = insertIntoWire(start, library, 'loose', wire);
    expect(joined?.nodes.loose?.inputs).toEqual({ a: [['n', 'number']] });
    expect(joined?.nodes.a?.inputs).toEqual({ a: [['loose', 'number']] });
  });

  it('gives nothing where the node does not fit or is an end of the wire', () => {
    expect(insertIntoWire(start, library, 't', wire)).toBeUndefined();
    expect(insertIntoWire(start, library, 'a', wire)).toBeUndefined();
    expect(insertIntoWire(start, library, 'b', wire)).toBeUndefined(); // b waits for a
  });
});

describe('removeAndRejoin', () => {
  it('joins what was before with what was behind', () => {
    const joined = removeAndRejoin(start, library, ['a']);
    expect(listWires(joined)).toEqual([{ wire: ['n', 'number'], node: 'b', name: 'a' }]);
  });

  it('goes through several removed nodes, and leaves open what has no source', () => {
    const longer = connect(start, library, ['b', 'number'], 'loose', 'b');
    expect(listWires(removeAndRejoin(longer, library, ['a', 'b']))).toEqual([
      { wire: ['n', 'number'], node: 'loose', name: 'b' },
    ]);
    expect(listWires(removeAndRejoin(start, library, ['n']))).toEqual([
      { wire: ['a', 'number'], node: 'b', name: 'a' },
    ]);
  });
});

describe('insertReroute', () => {
  it('puts a dot of the type of the wire into it, which goes again with its wire joined', () => {
    const base = graph({ n: node('number'), a: node('sum', {}, { a: 'n.number', scale: 'n.number' }) });
    const cards = levelCards(base, library);
    const { document, id } = insertReroute(base, cards, { wire: ['n', 'number'], node: 'a', name: 'scale' }, [8, 8]);
    expect(document.nodes[id as string]).toMatchObject({
      type: 'reroute/number',
      inputs: { value: [['n', 'number']] },
    });
    expect(document.nodes.a?.inputs).toEqual({ a: [['n', 'number']], scale: [[id, 'value']] });
    expect(checkGraph(document, library)).toEqual([]);
    expect(removeAndRejoin(document, cards, [id as string])).toEqual(base);
  });
});
