import { beforeEach, describe, expect, it } from 'vitest';
import { INPUTS, OUTPUTS } from '../../../graphs/document/levels.ts';
import { makeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { describeNode } from '../../../nodes/card.ts';
import { explainRefusal, joinWire, NEW_PORT } from '../../../renderer/level/joining.ts';
import {
  createGraphStore,
  editGraph,
  type GraphState,
  learnCards,
  lookInside,
  openDocument,
} from '../../../renderer/state/graph.ts';
import { exampleNodes, graph, node } from '../../graphs/example.ts';

const start = graph({ n: node('number'), a: node('sum', {}, { a: 'n.number' }), t: node('text') });
let state: GraphState;
const open = () => {
  const store = createGraphStore();
  learnCards(store, exampleNodes.map(describeNode));
  openDocument(store, start, { name: 'start', draft: 'd' });
  return store;
};

beforeEach(() => {
  state = open().getState();
});

describe('a wire that is drawn', () => {
  it('is refused with a reason where its types differ, and not where they fit', () => {
    expect(explainRefusal(state, { wire: ['n', 'number'], node: 'a', name: 'b' })).toBeUndefined();
    expect(explainRefusal(state, { wire: ['t', 'text'], node: 'a', name: 'b' })).toMatch(/text/);
    expect(explainRefusal(state, { wire: ['a', 'number'], node: 'a', name: 'b' })).toBeTruthy();
  });

  it('joins its ends, in the place of another one where its end was moved', () => {
    const to = { wire: ['n', 'number'], node: 'a', name: 'b' } as const;
    expect(joinWire(state, to).nodes.a?.inputs).toMatchObject({ a: [['n', 'number']], b: [['n', 'number']] });
    const moved = joinWire(state, to, { wire: ['n', 'number'], node: 'a', name: 'a' });
    expect(moved.nodes.a?.inputs.a ?? []).toEqual([]);
    expect(moved.nodes.a?.inputs.b).toEqual([['n', 'number']]);
  });
});

describe('a wire to or from the socket for new ports', () => {
  it('makes a port of the subgraph, and is refused only from one to the other', () => {
    const store = open();
    const { document, cards } = store.getState();
    const made = makeSubgraph(document, cards, ['a'], 'Inner');
    editGraph(store, () => made.document);
    lookInside(store, [made.id]);
    const inside = store.getState();
    const find = (type: string) =>
      Object.keys(inside.document.nodes).find((id) => inside.document.nodes[id]?.type === type)!;
    const [inputs, outputs] = [find(INPUTS), find(OUTPUTS)];
    const into = { wire: [inputs, NEW_PORT], node: 'a', name: 'b' } as const;
    expect(explainRefusal(inside, into)).toBeUndefined();
    expect(joinWire(inside, into).nodes.a?.inputs.b?.[0]?.[0]).toBe(inputs);
    const out = { wire: ['a', 'number'], node: outputs, name: NEW_PORT } as const;
    expect(Object.values(joinWire(inside, out).nodes[outputs]?.inputs ?? {}).flat()).toContainEqual(['a', 'number']);
    expect(explainRefusal(inside, { wire: [inputs, NEW_PORT], node: outputs, name: NEW_PORT })).toBe('');
  });
});
