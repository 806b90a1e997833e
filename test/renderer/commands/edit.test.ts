import { beforeEach, describe, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { nodeItems } from '../../../renderer/state/selection.ts';
import { select, selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { isEnabled, perform, performAsOneStep } from './performing.ts';

const start: GraphDocument = {
  ...graph({
    n: node('number', { value: 2 }),
    a: node('sum', {}, { a: 'n.number' }),
    t: node('total', {}, { numbers: 'a.number' }),
  }),
  notes: [
    { text: 'here', position: [0, 0], size: [80, 40] },
    { text: 'there', position: [9, 9], size: [80, 40] },
  ],
  frames: [{ title: 'all', position: [-8, -8], size: [800, 400] }],
};
const wire = { kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } } as const;
let editor: Editor;
const level = () => editor.graph.getState().document;
const selection = () => editor.view.getState().selection;

beforeEach(() => {
  editor = openEditor(start);
});

describe('undo and redo', () => {
  it('are for what was done and what was undone', async () => {
    expect([isEnabled(editor, 'undo'), isEnabled(editor, 'redo')]).toEqual([false, false]);
    selectNodes(editor.view, ['n']);
    await perform(editor, 'mute');
    const muted = level();
    await perform(editor, 'undo');
    expect(level()).toBe(start);
    await perform(editor, 'redo');
    expect(level()).toBe(muted);
    expect(isEnabled(editor, 'redo')).toBe(false);
  });
});

describe('remove', () => {
  it('takes away nodes, notes, frames and wires in one step, and joins what was around a node', async () => {
    expect(isEnabled(editor, 'remove')).toBe(false);
    select(editor.view, [...nodeItems(['a']), { kind: 'note', place: 0 }, { kind: 'frame', place: 0 }]);
    await performAsOneStep(editor, 'remove');
    expect(Object.keys(level().nodes)).toEqual(['n', 't']);
    expect(level().nodes.t?.inputs).toEqual({ numbers: [['n', 'number']] });
    expect(level().notes?.map(({ text }) => text)).toEqual(['there']);
    expect(level().frames).toBeUndefined();
    expect(selection()).toEqual([]);
  });

  it('leaves the wires of a removed node open where that is asked', async () => {
    selectNodes(editor.view, ['a']);
    await performAsOneStep(editor, 'removeOnly');
    expect(Object.keys(level().nodes)).toEqual(['n', 't']);
    expect(level().nodes.t?.inputs.numbers ?? []).toEqual([]);
  });

  it('takes away a wire and keeps its nodes, and passes over a wire whose node goes as well', async () => {
    select(editor.view, [wire]);
    await performAsOneStep(editor, 'remove');
    expect(Object.keys(level().nodes)).toEqual(['n', 'a', 't']);
    expect(level().nodes.a?.inputs.a ?? []).toEqual([]);
    await perform(editor, 'undo');
    select(editor.view, [wire, ...nodeItems(['n', 'a'])]);
    await performAsOneStep(editor, 'remove');
    expect(Object.keys(level().nodes)).toEqual(['t']);
  });

  it('passes over a wire that an undo took away', async () => {
    select(editor.view, [{ kind: 'wire', arrived: { ...wire.arrived, node: 'gone' } }, ...nodeItems(['n'])]);
    await performAsOneStep(editor, 'remove');
    expect(Object.keys(level().nodes)).toEqual(['a', 't']);
  });
});

describe('the selection', () => {
  it('takes all that is drawn but wires, and nothing that has no place', async () => {
    editor = openEditor({ ...start, notes: [{ text: 'nowhere' }, ...(start.notes ?? [])] } as unknown as GraphDocument);
    await perform(editor, 'selectAll');
    expect(selection()).toEqual([
      { kind: 'frame', place: 0 },
      ...nodeItems(['n', 'a', 't']),
      { kind: 'note', place: 1 },
      { kind: 'note', place: 2 },
    ]);
    await perform(editor, 'selectNone');
    expect(selection()).toEqual([]);
    expect(isEnabled(editor, 'selectNone')).toBe(false);
  });

  it('of what is gone is no selection of nodes', () => {
    selectNodes(editor.view, ['gone']);
    for (const name of ['mute', 'collapse', 'frame', 'connect', 'runToHere', 'makeSubgraph'] as const)
      expect(isEnabled(editor, name), name).toBe(false);
  });
});

describe('rename', () => {
  it('is for one thing, whatever wires are selected with it', async () => {
    select(editor.view, [wire]);
    expect(isEnabled(editor, 'rename')).toBe(false);
    selectNodes(editor.view, ['n', 'a']);
    expect(isEnabled(editor, 'rename')).toBe(false);
    select(editor.view, [wire, { kind: 'note', place: 1 }]);
    await perform(editor, 'rename');
    expect(editor.view.getState().naming).toEqual({ kind: 'note', place: 1 });
  });
});

describe.each([
  ['mute', 'muted'],
  ['collapse', 'collapsed'],
] as const)('%s', (name, flag) => {
  it('sets all of a mixed selection, then none, each in one step', async () => {
    expect(isEnabled(editor, name)).toBe(false);
    selectNodes(editor.view, ['n']);
    await performAsOneStep(editor, name);
    selectNodes(editor.view, ['n', 'a']);
    await performAsOneStep(editor, name);
    expect(Object.values(level().nodes).map((node) => node[flag] ?? false)).toEqual([true, true, false]);
    await performAsOneStep(editor, name);
    expect(Object.values(level().nodes).map((node) => node[flag] ?? false)).toEqual([false, false, false]);
  });
});
