// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DesktopApi } from '../../../electron/host/ipc.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { renameGraph } from '../../../graphs/edit/edit.ts';
import { UserError } from '../../../nodes/errors.ts';
import { Overlays } from '../../../renderer/dialogs/Overlays.tsx';
import { editGraph, isUnsaved, openDocument } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { pickNodes } from '../../../renderer/state/selection.ts';
import type { Overlay } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const start = graph({ n: node('number', { value: 2 }), a: node('sum', {}, {}, { position: [400, 0] }) }, 'Start');

async function show(overlay: Overlay, answers: Parameters<typeof fakeShell>[0] = {}) {
  const shell = fakeShell(answers);
  const editor = openEditor(start, shell);
  editor.view.setState({ overlay });
  renderInEditor(editor, <Overlays />);
  await act(async () => undefined);
  return { editor, shell, overlay: () => editor.view.getState().overlay };
}

const click = (name: string | RegExp) => act(async () => void fireEvent.click(screen.getByRole('button', { name })));
const choose = (name: RegExp) => act(async () => void fireEvent.click(screen.getByRole('option', { name })));

afterEach(cleanup);

describe('the search for a node', () => {
  it('adds what was chosen at its place, wired to the wire in the hand', async () => {
    const { editor, overlay } = await show({
      kind: 'addNode',
      at: { x: 80, y: 100 },
      screen: { x: 0, y: 0 },
      from: { side: 'source', wire: ['n', 'number'] },
    });
    expect(screen.getByRole('dialog', { name: messages.search.fits('number') })).toBeDefined();
    expect(screen.queryByRole('option', { name: /^Text/ })).toBeNull();
    await choose(/^Total/);
    expect(overlay()).toBeUndefined();
    const { nodes } = editor.graph.getState().document;
    const [id] = pickNodes(editor.view.getState().selection);
    expect(nodes[id!]).toMatchObject({
      type: 'test/total',
      position: [80, 48],
      inputs: { numbers: [['n', 'number']] },
    });
  });
});

describe('the search for a wire', () => {
  it('connects what was chosen', async () => {
    const { editor } = await show({ kind: 'connect', node: 'n', screen: { x: 0, y: 0 } });
    await choose(/^number → Sum: b/);
    expect(editor.graph.getState().document.nodes.a?.inputs.b).toEqual([['n', 'number']]);
  });
});

describe('the palette of commands', () => {
  it('does what was chosen, and shows what cannot be done now', async () => {
    const { editor } = await show({ kind: 'commands' });
    expect(screen.getByRole('option', { name: /^Undo/ }).getAttribute('aria-disabled')).toBe('true');
    await choose(/^Select all/);
    expect(editor.view.getState().selection).toHaveLength(2);
  });
});

describe('the question whether to leave changes behind', () => {
  const ask = async (answers?: Parameters<typeof fakeShell>[0]) => {
    const goOn = vi.fn();
    const shown = await show({ kind: 'discard', proceed: goOn }, answers);
    editGraph(shown.editor.graph, (document) => renameGraph(document, 'Changed'));
    return { ...shown, goOn };
  };

  it('goes on without saving', async () => {
    const { editor, goOn, overlay } = await ask();
    await click(messages.files.discardConfirm);
    expect(goOn).toHaveBeenCalledOnce();
    expect(overlay()).toBeUndefined();
    expect(isUnsaved(editor.graph.getState())).toBe(true);
  });

  it('saves first, and goes on once that is done', async () => {
    const { editor, goOn, shell } = await ask();
    editor.graph.setState({ location: '/start.json' });
    await click(messages.files.saveFirst);
    expect(shell.calls).toContainEqual(['saveGraph', '/start.json', writeGraph(editor.graph.getState().whole)]);
    expect(goOn).toHaveBeenCalledOnce();
  });

  it('stays where a name is to be asked for', async () => {
    const { goOn, overlay } = await ask();
    await click(messages.files.saveFirst);
    expect(goOn).not.toHaveBeenCalled();
    expect(overlay()).toEqual({ kind: 'saveAs' });
  });
});

describe('saving under a name', () => {
  const saveGraphAs = (name: string, _text: string, replace: boolean) => {
    if (name === 'taken' && !replace) throw new UserError('EXISTS', 'There is one.');
    return { name, location: `/${name}.json` };
  };

  it('replaces a file only when it is asked again, and asks anew for another name', async () => {
    const { editor, overlay } = await show({ kind: 'saveAs' }, { saveGraphAs: saveGraphAs as never });
    const field = screen.getByLabelText<HTMLInputElement>(messages.files.fileName);
    expect(field.value).toBe('Start');
    fireEvent.change(field, { target: { value: 'taken' } });
    await click(messages.commands.save);
    expect(screen.getByRole('alert').textContent).toBe(messages.files.replace);
    fireEvent.change(field, { target: { value: 'taken2' } });
    expect(screen.queryByRole('alert')).toBeNull();
    fireEvent.change(field, { target: { value: 'taken' } });
    await click(messages.commands.save);
    expect(editor.graph.getState().location).toBeUndefined();
    await click(messages.commands.save);
    expect(editor.graph.getState().location).toBe('/taken.json');
    expect(overlay()).toBeUndefined();
  });

  it('needs a name', async () => {
    await show({ kind: 'saveAs' });
    fireEvent.change(screen.getByLabelText(messages.files.fileName), { target: { value: '  ' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: messages.commands.save }).disabled).toBe(true);
  });
});

describe('the search in the graph', () => {
  it('finds nodes by title, type, values and prompts, and shows what was found where it is', async () => {
    const { editor } = await show({ kind: 'findNode' });
    const prompts = `${'x'.repeat(60)} a purple elephant`;
    await act(async () =>
      openDocument(
        editor.graph,
        graph({
          t: node('text', { text: `first\n${prompts}` }, {}, { title: 'Wishes' }),
          m: node('mix', { weight: 0.375 }),
          n: node('number'),
        }),
        { name: 'Found', draft: 'f' },
      ),
    );
    const found = () =>
      screen.queryAllByRole('option').map((option) => option.querySelector('.search-label')?.textContent ?? '');
    const search = (query: string) => fireEvent.change(screen.getByRole('combobox'), { target: { value: query } });
    await act(async () => editor.view.setState({ overlay: undefined }));
    await act(async () => editor.view.setState({ overlay: { kind: 'findNode' } }));
    search('elephant');
    expect(found()).toHaveLength(1);
    expect(found()[0]).toMatch(/^Wishes… x+ a purple elephant$/);
    search('test/number');
    expect(found()).toHaveLength(1);
    search('wishes');
    expect(found()).toHaveLength(1);
    search('first');
    expect(found()[0]).toBe('Wishestext: first');
  });
});

describe('settings', () => {
  const devices = [
    { name: 'wasm', available: true, description: 'WebAssembly' },
    { name: 'native', available: false, description: 'It is not installed.' },
  ];

  it('change the theme, list the devices with reasons, and offer native TensorFlow only where it can be had', async () => {
    const writePreferences: DesktopApi['writePreferences'] = async (changes) => ({
      theme: 'dark',
      language: 'en',
      device: 'wasm',
      previews: true,
      autosave: false,
      memoryShare: 0.5,
      runsFolder: '',
      view: {},
      ...changes,
    });
    const known = [{ name: 'cpu', available: true, description: 'Known from before' }];
    let listed: (rows: unknown) => void = () => {};
    const listDevices = () =>
      new Promise((done) => {
        listed = done;
      });
    const answers = { listDevices, knownDevices: () => known, writePreferences };
    const { editor, shell } = await show({ kind: 'settings' }, answers);
    expect(screen.getByText('Known from before')).toBeDefined(); // at once
    await act(async () => listed(devices));
    expect(screen.queryByText('Known from before')).toBeNull();
    expect(screen.getByText('It is not installed.')).toBeDefined();
    expect(screen.getByRole<HTMLOptionElement>('option', { name: 'native' }).disabled).toBe(true);
    expect(screen.queryByText(messages.settings.native)).toBeNull();
    await act(async () => editor.view.setState({ about: { ...shell.about, fetchesNative: true } }));
    expect(screen.getByText(messages.settings.native)).toBeDefined();
    await act(
      async () => void fireEvent.change(screen.getByLabelText(messages.settings.theme), { target: { value: 'light' } }),
    );
    expect(shell.calls).toContainEqual(['writePreferences', { theme: 'light' }]);
    expect(editor.view.getState().theme).toBe('light');
    const { switches } = messages.settings;
    await act(async () => void fireEvent.click(screen.getByLabelText(new RegExp(`^${switches.autosave.label}`))));
    expect(shell.calls).toContainEqual(['writePreferences', { autosave: true }]);
    expect(editor.view.getState().autosave).toBe(true);
    await act(
      async () => void fireEvent.change(screen.getByLabelText(messages.settings.memory), { target: { value: '0.25' } }),
    );
    expect(shell.calls).toContainEqual(['writePreferences', { memoryShare: 0.25 }]);
    expect(screen.getByText('models')).toBeDefined(); // where they are
  });
});
