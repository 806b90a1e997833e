import { beforeEach, expect, it } from 'vitest';
import {
  isSameItem,
  nodeItems,
  pickMarks,
  pickNodes,
  pickWires,
  type Selection,
} from '../../../renderer/state/selection.ts';
import { createViewStore, dismiss, notify, select, selectNodes, type ViewStore } from '../../../renderer/state/view.ts';

const wire = { kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } } as const;
const all: Selection = [...nodeItems(['n', 'a']), { kind: 'note', place: 0 }, { kind: 'frame', place: 0 }, wire];
let view: ViewStore;

beforeEach(() => {
  view = createViewStore();
});

it('tells items apart by all that names them', () => {
  for (const [i, a] of all.entries())
    for (const [j, b] of all.entries()) expect(isSameItem(a, structuredClone(b)), `${i} ${j}`).toBe(i === j);
  const others = [
    { ...wire.arrived, name: 'b' },
    { ...wire.arrived, node: 'b' },
    { ...wire.arrived, wire: ['n', 'other'] as const },
    { ...wire.arrived, wire: ['m', 'number'] as const },
  ];
  for (const arrived of others) expect(isSameItem(wire, { kind: 'wire', arrived })).toBe(false);
  expect(isSameItem({ kind: 'note', place: 1 }, { kind: 'note', place: 2 })).toBe(false);
});

it('picks what is of one kind', () => {
  expect(pickNodes(all)).toEqual(['n', 'a']);
  expect(pickWires(all)).toEqual([wire.arrived]);
  expect(pickMarks([...all, { kind: 'note', place: 3 }])).toEqual({ notes: [0, 3], frames: [0] });
});

it('keeps the same selection where nothing changes, so that nothing is drawn anew', () => {
  select(view, all);
  const { selection } = view.getState();
  select(view, structuredClone(all) as Selection);
  expect(view.getState().selection).toBe(selection);
  selectNodes(view, ['n']);
  expect(view.getState().selection).toEqual(nodeItems(['n']));
});

it('shows the last three sentences, each once, until they are dismissed', () => {
  for (const text of ['a', 'b', 'c', 'd', 'b']) notify(view, { kind: 'note', text });
  const texts = () => view.getState().notices.map(({ text }) => text);
  expect(texts()).toEqual(['c', 'd', 'b']);
  dismiss(view, view.getState().notices[1]!.id);
  expect(texts()).toEqual(['c', 'b']);
});
