import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Template } from '../../../electron/host/ipc.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { renameGraph } from '../../../graphs/edit/edit.ts';
import { UserError } from '../../../nodes/errors.ts';
import { newGraph, openFile, saveUnder } from '../../../renderer/state/files.ts';
import { editGraph, isUnsaved, markSaved } from '../../../renderer/state/graph.ts';
import { createEditor } from '../../../renderer/state/session.ts';
import { stepTab } from '../../../renderer/state/tabs.ts';
import { dismiss } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';

const template = (name: string): Template => ({
  name,
  title: `Title of ${name}`,
  summary: '',
  purpose: 'begin',
  text: writeGraph(graph({ n: node('number') }, name)),
  image: false,
});
const start = graph({ n: node('number', { value: 2 }) }, 'Start');
const settle = () => vi.advanceTimersByTimeAsync(0);
const rename = (editor: ReturnType<typeof openEditor>, name: string) =>
  editGraph(editor.graph, (document) => renameGraph(document, name));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the start', () => {
  it('takes over preferences, learns the nodes and opens the first template', async () => {
    const shell = fakeShell({ listTemplates: () => [template('other'), template('first-image')] });
    const editor = createEditor(shell);
    shell.connect();
    await settle();
    expect(editor.view.getState()).toMatchObject({ theme: 'dark', device: 'wasm', overlay: undefined });
    expect(editor.graph.getState()).toMatchObject({ name: 'Title of first-image', whole: { title: 'first-image' } });
    expect(editor.graph.getState().library.has('test/sum')).toBe(true);
    expect(isUnsaved(editor.graph.getState())).toBe(false);
  });

  it('opens the graphs of the last session, and lists other drafts under Files', async () => {
    const draft = (id: string) => ({ id, name: id, text: writeGraph(start), written: '2026-01-01T00:00:00Z' });
    const graphs = [{ draft: 'x' }, { location: '/gone.json' }, { location: '/there.json' }, { draft: 'lost' }, 5];
    const openRecent = (location: string) => {
      if (location !== '/there.json') throw new UserError('NOT_FOUND', 'The file is gone.');
      return { name: 'there', location, text: template('there').text };
    };
    const shell = fakeShell({
      listDrafts: () => [draft('x'), draft('y')],
      readPreferences: () => ({ theme: 'dark', device: 'wasm', view: { graphs, shown: 0 } }),
      openRecent: openRecent as never,
    });
    const editor = createEditor(shell);
    shell.connect();
    await settle();
    expect(editor.graph.getState()).toMatchObject({ draft: 'x', name: 'x' });
    expect(isUnsaved(editor.graph.getState())).toBe(true);
    const { order, parked } = editor.tabs.getState();
    expect(order.map((each) => parked[each]?.graph.location)).toEqual([undefined, '/there.json']);
    expect(editor.view.getState()).toMatchObject({ drafts: [{ id: 'y' }], notices: [{ text: 'The file is gone.' }] });
    expect(shell.calls.map(([method]) => method)).not.toContain('listTemplates');
    rename(editor, 'Renamed');
    await vi.advanceTimersByTimeAsync(1000);
    stepTab(editor, 1);
    await vi.advanceTimersByTimeAsync(1000);
    const kept = shell.calls.filter(([method]) => method === 'writePreferences').at(-1);
    expect(kept?.[1]).toEqual({ view: { graphs: [{ draft: 'x' }, { location: '/there.json' }], shown: 1 } });
  });

  it('is once: a restarted engine leaves the graph as it is', async () => {
    const shell = fakeShell({ listTemplates: () => [template('first-image')] });
    const editor = createEditor(shell);
    shell.connect();
    await settle();
    rename(editor, 'Mine');
    shell.connect();
    await settle();
    expect(editor.graph.getState().whole.title).toBe('Mine');
    expect(shell.calls.filter(([method]) => method === 'listTemplates')).toHaveLength(1);
  });
});

describe('events of the shell', () => {
  it('tell how the engine and downloads are', () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    shell.tell({ type: 'pull', pull: { name: 'a/b', state: 'stopped' } });
    shell.tell({ type: 'pull', pull: { name: 'c/d', state: 'done' } });
    shell.tell({ type: 'pull', pull: { name: 'a/b', state: 'done' } });
    shell.tell({ type: 'native', native: { state: 'done' } });
    expect(editor.view.getState()).toMatchObject({
      pulls: { 'a/b': { state: 'done' }, 'c/d': { state: 'done' } },
      native: { state: 'done' },
    });
    shell.tell({ type: 'engine', engine: { state: 'silent', seconds: 12 } });
    expect(editor.engine).toBe(shell.engine);
    const problem = { code: 'ENGINE_LOST', message: 'It is gone.', at: {} };
    shell.tell({ type: 'engine', engine: { state: 'stopped', problem } as never });
    expect(editor.engine).toBeUndefined();
    expect(editor.view.getState().engine.state).toBe('stopped');
  });

  it('call an engine ready when the window is connected to it, and not before', async () => {
    const shell = fakeShell({ listTemplates: () => [template('first-image')] });
    const editor = createEditor(shell);
    const ready = { state: 'ready', device: { name: 'cpu', description: '' } } as const;
    const shown = () => editor.view.getState().engine.state;
    shell.tell({ type: 'engine', engine: ready });
    expect(shown()).toBe('starting');
    shell.connect();
    await settle();
    expect(shown()).toBe('ready');
    shell.tell({ type: 'engine', engine: { state: 'starting' } });
    shell.tell({ type: 'engine', engine: ready });
    expect(shown()).toBe('starting'); // another engine, to which the window is not connected yet
    shell.connect();
    expect(shown()).toBe('ready');
  });

  it('say what the user is to read, until it is dismissed', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    const text = '"recent.json" could not be understood, so it was kept.';
    shell.tell({ type: 'notice', text });
    shell.tell({ type: 'open', file: { name: 'Opened', text: template('other').text } });
    await settle();
    expect(editor.graph.getState().name).toBe('Opened');
    const { notices } = editor.view.getState();
    expect(notices).toMatchObject([{ kind: 'warning', text }]);
    dismiss(editor.view, notices[0]!.id);
    expect(editor.view.getState().notices).toEqual([]);
  });

  it('open a file in place of the graph, or say what is wrong with it', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    shell.tell({ type: 'open', file: { name: 'given', location: '/given.json', text: template('given').text } });
    await settle();
    expect(editor.graph.getState()).toMatchObject({ name: 'given', location: '/given.json' });
    shell.tell({ type: 'open', file: { name: 'odd', text: 'no graph' } });
    await settle();
    expect(editor.graph.getState().name).toBe('given');
    expect(editor.view.getState().notices).toMatchObject([{ kind: 'failure' }]);
  });
});

describe('drafts', () => {
  it('are written a second after the last change, and not once all is saved', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    const written = () => shell.calls.filter(([method]) => method === 'writeDraft');
    rename(editor, 'A');
    await vi.advanceTimersByTimeAsync(900);
    rename(editor, 'AB');
    await vi.advanceTimersByTimeAsync(900);
    expect(written()).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    const text = writeGraph(editor.graph.getState().whole);
    expect(written()).toEqual([['writeDraft', { id: 'd', name: 'Start', text }]]);
    rename(editor, 'ABC');
    markSaved(editor.graph, editor.graph.getState().whole, { name: 'abc', location: '/abc.json' });
    await vi.advanceTimersByTimeAsync(2000);
    expect(written()).toHaveLength(1);
  });

  it('are not for a graph in a file whose changes are saved by themselves', async () => {
    const shell = fakeShell();
    const editor = openEditor(start, shell);
    await settle();
    markSaved(editor.graph, editor.graph.getState().whole, { name: 'abc', location: '/abc.json' });
    editor.view.setState({ autosave: true });
    rename(editor, 'Kept');
    await vi.advanceTimersByTimeAsync(1000);
    expect(shell.calls.filter(([method]) => method === 'writeDraft')).toEqual([]);
    const text = writeGraph(editor.graph.getState().whole);
    expect(shell.calls).toContainEqual(['saveGraph', '/abc.json', text]);
    expect(isUnsaved(editor.graph.getState())).toBe(false);
  });

  it('that are opened are unsaved and keep their name', async () => {
    const editor = openEditor(start);
    await openFile(editor, { name: 'left', text: template('left').text }, 'x');
    expect(editor.graph.getState()).toMatchObject({ draft: 'x', name: 'left' });
    expect(isUnsaved(editor.graph.getState())).toBe(true);
  });
});

describe('files', () => {
  it('begin without what was selected, shown or told of the graph before', () => {
    const editor = openEditor(start);
    editor.view.setState({ selection: [{ kind: 'node', id: 'n' }], page: 'runs', overlay: { kind: 'about' } });
    editor.runs.setState({ shown: 'r' });
    newGraph(editor);
    expect(editor.view.getState()).toMatchObject({ selection: [], page: 'graph', overlay: undefined, notices: [] });
    expect(editor.runs.getState().shown).toBeUndefined();
    expect(editor.graph.getState().draft).not.toBe('d');
  });

  it('are saved as they were when it was asked, whatever is changed meanwhile', async () => {
    const saveGraphAs = () => {
      rename(editor, 'Later');
      return { name: 'm', location: '/m' };
    };
    const editor = openEditor(start, fakeShell({ saveGraphAs }));
    rename(editor, 'Earlier');
    expect(await saveUnder(editor, 'm')).toBe(true);
    expect(editor.graph.getState().saved.title).toBe('Earlier');
    expect(isUnsaved(editor.graph.getState())).toBe(true);
  });
});
