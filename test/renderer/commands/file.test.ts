import { describe, expect, it } from 'vitest';
import { writeGraph } from '../../../graphs/document/write.ts';
import { renameGraph } from '../../../graphs/edit/edit.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { editGraph, isUnsaved } from '../../../renderer/state/graph.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor, withDialogs } from '../fakeEditor.ts';
import { perform } from './performing.ts';

const start = graph({ n: node('number') }, 'Start');
const other = graph({ m: node('text') }, 'Other');
const change = (editor: Editor) => editGraph(editor.graph, (document) => renameGraph(document, 'Changed'));
const title = (editor: Editor) => editor.graph.getState().whole.title;

describe('newGraph', () => {
  it('begins an empty graph in a tab, and leaves the changed one open', async () => {
    const editor = openEditor(start);
    change(editor);
    await perform(editor, 'newGraph');
    expect(editor.graph.getState().whole.nodes).toEqual({});
    expect(isUnsaved(editor.graph.getState())).toBe(false);
    await perform(editor, 'previousTab');
    expect(title(editor)).toBe('Changed');
  });
});

describe('closeGraph', () => {
  it('asks where changes would be lost, and forgets their draft', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    change(editor);
    await perform(editor, 'newGraph');
    await perform(editor, 'closeGraph');
    expect(title(editor)).toBe('Changed');
    await perform(editor, 'closeGraph');
    const { overlay } = editor.view.getState();
    expect(overlay?.kind).toBe('discard');
    if (overlay?.kind === 'discard') overlay.proceed();
    await expect.poll(() => shell.calls.at(-1)).toEqual(['removeDraft', 'd']);
    expect(editor.graph.getState().whole.nodes).toEqual({});
    expect(editor.tabs.getState().order).toHaveLength(1);
  });
});

describe('open', () => {
  it('shows the list of files in a browser', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    await perform(editor, 'open');
    expect(editor.view.getState().side).toBe('files');
    expect(shell.calls.map(([method]) => method)).not.toContain('openGraph');
  });

  it('opens the file that was chosen in a dialog, or nothing', async () => {
    let chosen: unknown = { name: 'other', location: '/other.json', text: writeGraph(other) };
    const editor = openEditor(start, fakeShell({ ...withDialogs, openGraph: () => chosen }));
    await perform(editor, 'open');
    await expect.poll(() => editor.graph.getState().location).toBe('/other.json');
    expect(title(editor)).toBe('Other');
    chosen = undefined;
    await perform(editor, 'open');
    expect(title(editor)).toBe('Other');
  });
});

describe('save and saveAs', () => {
  it('ask for a name in a browser', async () => {
    const editor = openEditor(start);
    await perform(editor, 'save');
    expect(editor.view.getState().overlay).toEqual({ kind: 'saveAs' });
  });

  it('write to the file that the dialog gave, from then on without asking', async () => {
    const shell = fakeShell({ ...withDialogs, saveGraphAs: () => ({ name: 'mine', location: '/mine.json' }) });
    const editor = openEditor(start, shell);
    change(editor);
    await perform(editor, 'save');
    expect(shell.calls).toContainEqual(['saveGraphAs', 'Start', writeGraph(editor.graph.getState().whole), false]);
    expect(editor.graph.getState()).toMatchObject({ name: 'mine', location: '/mine.json' });
    expect(isUnsaved(editor.graph.getState())).toBe(false);
    expect(shell.calls.at(-1)).toEqual(['removeDraft', 'd']);
    editGraph(editor.graph, (document) => renameGraph(document, 'Again'));
    await perform(editor, 'save');
    expect(shell.calls).toContainEqual(['saveGraph', '/mine.json', writeGraph(editor.graph.getState().whole)]);
    await perform(editor, 'saveAs');
    expect(shell.calls.filter(([method]) => method === 'saveGraphAs')).toHaveLength(2);
  });

  it('leave the graph unsaved where the dialog was closed', async () => {
    const editor = openEditor(start, fakeShell(withDialogs));
    change(editor);
    await perform(editor, 'saveAs');
    expect(isUnsaved(editor.graph.getState())).toBe(true);
    expect(editor.view.getState().notices).toEqual([]);
  });
});
