import { beforeEach, describe, expect, it, vi } from 'vitest';
import { copySelection } from '../../../renderer/commands/clipboard.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { nodeItems } from '../../../renderer/state/selection.ts';
import { select, selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { isEnabled, perform, performAsOneStep } from './performing.ts';

const start = {
  ...graph({ n: node('number', { value: 2 }), a: node('sum', {}, { a: 'n.number' }, { position: [80, 40] }) }),
  notes: [{ text: 'here', position: [200, 0], size: [80, 40] }],
} as const;
let editor: Editor;
let clipboard: { text: string; isRefused: boolean };
const level = () => editor.graph.getState().document;

beforeEach(() => {
  clipboard = { text: '', isRefused: false };
  const refuse = () => Promise.reject(new Error('NotAllowedError'));
  vi.stubGlobal('navigator', {
    clipboard: {
      readText: async () => (clipboard.isRefused ? refuse() : clipboard.text),
      async writeText(text: string) {
        if (clipboard.isRefused) await refuse();
        clipboard.text = text;
      },
    },
  });
  editor = openEditor(start);
});

it('copies nodes and notes, and no wire alone', () => {
  expect(isEnabled(editor, 'copy')).toBe(false);
  expect(copySelection(editor)).toBeUndefined();
  select(editor.view, [{ kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } }]);
  expect(isEnabled(editor, 'copy')).toBe(false);
  select(editor.view, [{ kind: 'note', place: 0 }]);
  expect(isEnabled(editor, 'copy')).toBe(true);
  expect(JSON.parse(copySelection(editor)!)).toMatchObject({ nodes: {}, notes: [{ text: 'here' }] });
});

describe.each([false, true])('where the clipboard cannot be read: %s', (isRefused) => {
  it('pastes what was copied with its top left corner at the pointer, selected, in one step', async () => {
    clipboard.isRefused = isRefused;
    select(editor.view, [...nodeItems(['n', 'a']), { kind: 'note', place: 0 }]);
    await perform(editor, 'copy');
    await performAsOneStep(editor, 'paste');
    const added = Object.keys(level().nodes).filter((id) => !(id in start.nodes));
    const places = added.map((id) => [level().nodes[id]?.type, level().nodes[id]?.position]);
    expect(Object.fromEntries(places)).toEqual({ 'test/number': [400, 240], 'test/sum': [480, 280] });
    expect(level().notes?.[1]?.position).toEqual([600, 240]);
    expect(editor.view.getState().selection).toEqual([...nodeItems(added), { kind: 'note', place: 1 }]);
  });
});

it('cuts: what was copied is gone, in one step', async () => {
  selectNodes(editor.view, ['n']);
  await performAsOneStep(editor, 'cut');
  expect(Object.keys(level().nodes)).toEqual(['a']);
  expect(Object.keys(JSON.parse(clipboard.text).nodes)).toEqual(['n']);
});

it('duplicates beside the selection, with the wires inside it', async () => {
  selectNodes(editor.view, ['n', 'a']);
  await performAsOneStep(editor, 'duplicate');
  const [n, a] = Object.keys(level().nodes).filter((id) => !(id in start.nodes));
  expect(level().nodes[n!]?.position).toEqual([32, 32]);
  expect(level().nodes[a!]?.inputs).toEqual({ a: [[n, 'number']] });
  expect(editor.view.getState().selection).toEqual(nodeItems([n!, a!]));
});
