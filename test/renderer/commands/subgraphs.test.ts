import { beforeEach, describe, expect, it, vi } from 'vitest';
import { goToNode } from '../../../renderer/commands/levels.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { nodeItems } from '../../../renderer/state/selection.ts';
import { selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { isEnabled, perform, performAsOneStep } from './performing.ts';

const start = graph({
  n: node('number', { value: 2 }),
  a: node('sum', {}, { a: 'n.number' }, { position: [300, 0] }),
  b: node('sum', {}, { a: 'a.number' }, { position: [600, 0] }),
  t: node('total', {}, { numbers: 'b.number' }, { position: [900, 0] }),
});
let editor: Editor;
const state = () => editor.graph.getState();
const selection = () => editor.view.getState().selection;
const path = () => state().path;

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (call: () => void) => call());
  editor = openEditor(start);
});

/** Makes a subgraph of `a` and `b`, and gives the id of its node. */
async function makeSubgraph(): Promise<string> {
  selectNodes(editor.view, ['a', 'b']);
  await performAsOneStep(editor, 'makeSubgraph');
  return Object.keys(state().document.nodes).find((id) => !start.nodes[id])!;
}

describe('makeSubgraph and unmakeSubgraph', () => {
  it('put nodes into a subgraph, which is selected and named, and back', async () => {
    expect(isEnabled(editor, 'makeSubgraph')).toBe(false);
    const id = await makeSubgraph();
    expect(Object.keys(state().document.nodes).sort()).toEqual(['n', id, 't'].sort());
    expect(selection()).toEqual(nodeItems([id]));
    expect(editor.view.getState().naming).toEqual({ kind: 'node', id });
    await performAsOneStep(editor, 'unmakeSubgraph');
    expect(Object.keys(state().document.nodes)).toHaveLength(4);
    expect(selection()).toHaveLength(2);
    expect(Object.keys(state().whole.subgraphs ?? {})).toEqual([]);
  });
});

describe('goInside and goOutside', () => {
  it('show the inside of the one selected subgraph, and its node again', async () => {
    for (const name of ['goInside', 'goOutside', 'unmakeSubgraph', 'ownSubgraph'] as const)
      expect(isEnabled(editor, name), name).toBe(false);
    const id = await makeSubgraph();
    await perform(editor, 'goInside');
    expect(path()).toEqual([id]);
    expect(selection()).toEqual([]);
    expect(isEnabled(editor, 'goInside')).toBe(false);
    await perform(editor, 'goOutside');
    expect(path()).toEqual([]);
    expect(selection()).toEqual(nodeItems([id]));
  });

  it('reach a node by the path to it', async () => {
    const id = await makeSubgraph();
    editor.view.setState({ page: 'runs' });
    goToNode(editor, `${id}/a`);
    expect(path()).toEqual([id]);
    expect(selection()).toEqual(nodeItems(['a']));
    expect(editor.view.getState().page).toBe('graph');
    expect(editor.canvas?.reveal).toHaveBeenCalledWith('a');
    goToNode(editor, 'n');
    expect(path()).toEqual([]);
  });
});

describe('ownSubgraph', () => {
  it('is for a subgraph with copies, and makes it independent of them', async () => {
    const id = await makeSubgraph();
    expect(isEnabled(editor, 'ownSubgraph')).toBe(false);
    await performAsOneStep(editor, 'duplicate');
    const copy = selection()[0] as { id: string };
    const typeOf = (node: string) => state().document.nodes[node]?.type;
    expect(typeOf(copy.id)).toBe(typeOf(id));
    selectNodes(editor.view, [id, copy.id]);
    for (const name of ['goInside', 'unmakeSubgraph', 'ownSubgraph'] as const)
      expect(isEnabled(editor, name), name).toBe(false); // which of the two?
    selectNodes(editor.view, [copy.id, 'n']);
    await performAsOneStep(editor, 'ownSubgraph');
    expect(typeOf(copy.id)).not.toBe(typeOf(id));
    expect(isEnabled(editor, 'ownSubgraph')).toBe(false);
  });
});
