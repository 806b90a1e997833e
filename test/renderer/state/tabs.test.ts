import { describe, expect, it } from 'vitest';
import { writeGraph } from '../../../graphs/document/write.ts';
import { setParam } from '../../../graphs/edit/edit.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { openFile, saveUnder } from '../../../renderer/state/files.ts';
import { editGraph, isUnsaved, undo } from '../../../renderer/state/graph.ts';
import { run } from '../../../renderer/state/running.ts';
import { closeTab, goToTab, nameTab, openTab, stateOf, stepTab } from '../../../renderer/state/tabs.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';

const first = graph({ n: node('number', { value: 1 }) }, 'First');
const second = graph({ n: node('number', { value: 2 }) }, 'Second');
const names = (editor: Editor) => editor.tabs.getState().order.map((draft) => nameTab(stateOf(editor, draft)));
const value = (editor: Editor) => editor.graph.getState().document.nodes.n?.params.value;
const set = (editor: Editor, to: number) =>
  editGraph(editor.graph, (before) => setParam(before, editor.graph.getState().cards, 'n', 'value', to));
const open = (editor: Editor) => openTab(editor, second, { name: 'Second', draft: 's' });

describe('tabs', () => {
  it('keep each graph with its steps of undo; one that is as it was opened makes room', () => {
    const editor = openEditor(first);
    open(editor);
    expect(names(editor)).toEqual(['Second']);
    set(editor, 7);
    openTab(editor, first, { name: 'First', draft: 'f' });
    expect(names(editor)).toEqual(['Second', 'First']);
    goToTab(editor, 's');
    expect(value(editor)).toBe(7);
    undo(editor.graph);
    expect(value(editor)).toBe(2);
    stepTab(editor, 1);
    expect(value(editor)).toBe(1);
    stepTab(editor, 1);
    expect(value(editor)).toBe(2);
  });

  it('are marked as saved themselves where another is on the canvas by then', async () => {
    const shell = fakeShell({
      saveGraphAs: () => {
        open(editor);
        return { name: 'kept', location: '/kept.json' };
      },
    });
    const editor: Editor = openEditor(first, shell);
    set(editor, 8);
    await saveUnder(editor, 'kept');
    expect(names(editor)).toEqual(['kept', 'Second']);
    expect(editor.graph.getState()).toMatchObject({ draft: 's', location: undefined });
    goToTab(editor, 'd');
    expect(isUnsaved(editor.graph.getState())).toBe(false);
  });

  it('go to a file that is open', async () => {
    const editor = openEditor(first);
    const file = { name: 'a', location: '/a.json', text: writeGraph(second) };
    await openFile(editor, file);
    set(editor, 9);
    openTab(editor, first, { name: 'First', draft: 'f' });
    await openFile(editor, file);
    expect(value(editor)).toBe(9);
    expect(names(editor)).toEqual(['a', 'First']);
  });

  it('show what their nodes gave, also while another graph was on the canvas', () => {
    const shell = fakeShell();
    const editor = openEditor(first, shell);
    set(editor, 3);
    void run(editor);
    const { emit, options } = shell.asked[0]!;
    const tell = (event: object) => emit({ ...event, run: options.run } as unknown as RunEvent);
    tell({ type: 'run-started', nodes: ['n'], device: { name: 'cpu', description: '' } });
    open(editor);
    expect(editor.runs.getState()).toMatchObject({ shown: undefined, results: {} });
    tell({ type: 'image', node: 'n', name: 'a.png', mime: 'image/png', bytes: new Uint8Array(1) });
    expect(editor.runs.getState().results).toEqual({});
    goToTab(editor, 'd');
    expect(editor.runs.getState()).toMatchObject({
      shown: options.run,
      results: { n: { node: { files: [{ name: 'a.png' }] } } },
    });
  });

  it('close to the right, else to the left; the last one leaves what opens next', () => {
    const editor = openEditor(first);
    set(editor, 5);
    open(editor);
    set(editor, 6);
    openTab(editor, first, { name: 'Third', draft: 't' });
    goToTab(editor, 's');
    const never = () => expect.unreachable();
    closeTab(editor, 't', never);
    expect(names(editor)).toEqual(['First', 'Second']);
    closeTab(editor, 's', never);
    const { overlay } = editor.view.getState();
    if (overlay?.kind !== 'discard') throw new Error('it was not asked');
    overlay.proceed();
    expect(value(editor)).toBe(5);
    undo(editor.graph);
    closeTab(editor, 'd', () => open(editor));
    expect(names(editor)).toEqual(['Second']);
  });
});
