import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyDocument, type GraphDocument } from '../../../graphs/document/document.ts';
import { addNode, connect, renameGraph, setParam } from '../../../graphs/edit/edit.ts';
import { makeSubgraph, titleNode } from '../../../graphs/edit/subgraphs.ts';
import { describeNode } from '../../../nodes/card.ts';
import {
  createGraphStore,
  editGraph,
  editWhole,
  endGroup,
  findCurrentSubgraph,
  type GraphStore,
  isUnsaved,
  learnCards,
  lookInside,
  markSaved,
  openDocument,
  redo,
  UNDO_STEPS,
  undo,
  wholeId,
} from '../../../renderer/state/graph.ts';
import { exampleNodes, graph, library, node } from '../../graphs/example.ts';

let store: GraphStore;
const start = graph({ n: node('number', { value: 2 }), a: node('sum', {}, { a: 'n.number' }) });
const title = () => store.getState().document.title;
const rename = (name: string, group?: string) => editGraph(store, (document) => renameGraph(document, name), group);

beforeEach(() => {
  store = createGraphStore();
  learnCards(store, exampleNodes.map(describeNode));
  openDocument(store, start, { name: 'start', draft: 'd' });
});

describe('undo and redo', () => {
  it('go back and forth over every edit, to the same objects', () => {
    rename('one');
    const { document } = store.getState();
    rename('two');
    undo(store);
    expect(store.getState().document).toBe(document);
    undo(store);
    expect(store.getState().document).toBe(start);
    undo(store);
    redo(store);
    redo(store);
    redo(store);
    expect(title()).toBe('two');
  });

  it('take edits of one group as one step, until the group ends', () => {
    for (const name of ['a', 'ab', 'abc']) rename(name, 'title');
    undo(store);
    expect(title()).toBe(start.title);
    redo(store);
    endGroup(store);
    rename('abcd', 'title');
    undo(store);
    expect(title()).toBe('abc');
  });

  it('forget what was undone after another edit', () => {
    rename('one');
    undo(store);
    rename('other');
    redo(store);
    expect(title()).toBe('other');
  });

  it(`keep ${UNDO_STEPS} steps`, () => {
    for (let i = 1; i <= UNDO_STEPS + 5; i++) rename(String(i));
    for (let i = 0; i < UNDO_STEPS + 5; i++) undo(store);
    expect(title()).toBe('5');
  });

  it('undo any edits in any order to the start', () => {
    const edits = fc.array(fc.tuple(fc.constantFrom('edit', 'edit', 'undo', 'redo', 'end'), fc.nat(3)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(edits, (steps) => {
        openDocument(store, start, { name: 'start', draft: 'd' });
        const seen: GraphDocument[] = [start];
        let place = 0;
        for (const [kind, value] of steps) {
          if (kind === 'edit') {
            rename(`${place}.${value}`);
            if (store.getState().document !== seen[place]) {
              seen.splice(++place, seen.length, store.getState().document);
            }
          } else if (kind === 'undo') {
            undo(store);
            place = Math.max(0, place - 1);
          } else if (kind === 'redo') {
            redo(store);
            place = Math.min(seen.length - 1, place + 1);
          } else endGroup(store);
          expect(store.getState().document).toBe(seen[place]);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('an edit', () => {
  it('that changes nothing is no step back', () => {
    const { past, future } = store.getState();
    editWhole(store, (whole) => whole);
    expect(store.getState().past).toBe(past);
    expect(store.getState().future).toBe(future);
  });

  it('that cannot be done changes nothing and says why', () => {
    const before = store.getState();
    expect(() => editGraph(store, (document) => connect(document, library, ['a', 'number'], 'a', 'b'))).toThrow(
      'would depend on its own result',
    );
    expect(store.getState()).toBe(before);
  });

  it('is checked', () => {
    expect(store.getState().problems).toEqual([]);
    editGraph(store, (document) => ({ ...document, nodes: { ...document.nodes, c: node('sum') } }));
    expect(store.getState().problems.map(({ code, at }) => [code, at.node])).toEqual([['MISSING_INPUT', 'c']]);
    undo(store);
    expect(store.getState().problems).toEqual([]);
  });
});

describe('unsaved work', () => {
  it('is what differs from the file, also after going back to it', () => {
    expect(isUnsaved(store.getState())).toBe(false);
    editGraph(store, (document) => setParam(document, library, 'n', 'value', 3));
    expect(isUnsaved(store.getState())).toBe(true);
    markSaved(store, store.getState().document, { name: 'x', location: '/x.json' });
    expect(isUnsaved(store.getState())).toBe(false);
    undo(store);
    expect(isUnsaved(store.getState())).toBe(true);
    redo(store);
    expect(isUnsaved(store.getState())).toBe(false);
  });

  it('is a restored draft', () => {
    openDocument(store, emptyDocument('draft'), { name: 'draft', draft: 'd', unsaved: true });
    expect(isUnsaved(store.getState())).toBe(true);
  });
});

describe('inside a subgraph', () => {
  const make = () => {
    const { document, cards } = store.getState();
    const made = makeSubgraph(document, cards, ['a'], 'Part');
    editGraph(store, () => made.document);
    return made.id;
  };
  const set = (value: number) =>
    editGraph(store, (document) => setParam(document, store.getState().cards, 'a', 'scale', value));

  it('edits change the whole graph, and are undone where one is', () => {
    const id = make();
    expect(store.getState().document).toBe(store.getState().whole);
    lookInside(store, [id]);
    expect(Object.keys(store.getState().document.nodes).sort()).toEqual(['a', 'inputs', 'outputs']);
    expect(findCurrentSubgraph(store.getState())).toBe('part');
    expect(wholeId(store.getState(), 'a')).toBe('part/a');
    set(7);
    expect(store.getState().whole.subgraphs?.part?.nodes.a?.params.scale).toBe(7);
    expect(store.getState().document.nodes.a?.params.scale).toBe(7);
    undo(store);
    expect(store.getState().path).toEqual([id]);
    expect(store.getState().document.nodes.a?.params.scale).toBeUndefined();
    redo(store);
    expect(store.getState().document.nodes.a?.params.scale).toBe(7);
    expect(store.getState().problems).toEqual([]);
  });

  it('one comes out where an undo takes the subgraph away', () => {
    lookInside(store, [make()]);
    undo(store);
    expect(store.getState().path).toEqual([]);
    expect(store.getState().document).toBe(start);
  });

  it('the subgraph itself cannot be added', () => {
    lookInside(store, [make()]);
    const { cards, whole } = store.getState();
    const add = () => editGraph(store, (document) => addNode(document, 'b', cards.get('subgraph/part')!, [0, 0]));
    expect(add).toThrow('contains itself');
    expect(store.getState().whole).toBe(whole);
  });

  it('a title is that of the subgraph', () => {
    const id = make();
    editGraph(store, (document) => titleNode(document, id, 'Sums'));
    expect(store.getState().cards.get('subgraph/part')?.title).toBe('Sums');
    expect(titleNode(start, 'n', 'Two').nodes.n?.title).toBe('Two');
  });
});
