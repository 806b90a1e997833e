import { describe, expect, it } from 'vitest';
import { commands, findCommandForKey, perform } from '../../../renderer/commands/commands.ts';
import { formatKeys, type KeyPress } from '../../../renderer/commands/keys.ts';
import { listMenus } from '../../../renderer/commands/menuBar.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';

const press = (key: string, modifiers: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...modifiers,
});
const nameFor = (key: string, modifiers: Partial<KeyPress> = {}, inField = false, isMac = false) =>
  findCommandForKey(press(key, modifiers), inField, isMac)?.name;

describe('the table of commands', () => {
  it('holds each command that has a text, once', () => {
    expect(commands.map(({ name }) => name).sort()).toEqual(Object.keys(messages.commands).sort());
  });

  it('gives no key to two commands', () => {
    const keys = commands.flatMap(({ keys = [] }) => keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('keeps the commands of a menu together, and becomes the menus of the application', () => {
    const order = commands.map(({ menu }) => menu);
    expect(order).toEqual([...order].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
    const [file] = listMenus();
    expect(file?.label).toBe('File');
    expect(file?.items).toContain('separator');
    expect(file?.items[0]).toEqual({ label: 'New graph', command: 'newGraph', accelerator: 'CmdOrCtrl+Alt+N' });
  });
});

describe('keys', () => {
  it('with Ctrl elsewhere and Cmd on a Mac', () => {
    expect(nameFor('z', { ctrlKey: true })).toBe('undo');
    expect(nameFor('Z', { ctrlKey: true, shiftKey: true })).toBe('redo');
    expect(nameFor('z', { metaKey: true })).toBeUndefined();
    expect(nameFor('z', { metaKey: true }, false, true)).toBe('undo');
    expect(nameFor('z', { ctrlKey: true }, false, true)).toBeUndefined();
    expect(nameFor('z', { ctrlKey: true, altKey: true })).toBeUndefined();
  });

  it('that are signs are the same with Shift, letters are not', () => {
    expect(nameFor('?', { shiftKey: true })).toBe('shortcuts');
    expect(nameFor('+', { shiftKey: true })).toBe('zoomIn');
    expect(nameFor('=')).toBe('zoomIn');
    expect(nameFor('l')).toBe('layout');
    expect(nameFor('L', { shiftKey: true })).toBe('alignLeft');
    expect(nameFor('Tab', { shiftKey: true })).toBeUndefined();
  });

  it('in a field are its own, but for those that run and save', () => {
    expect(nameFor('m', {}, true)).toBeUndefined();
    expect(nameFor('z', { ctrlKey: true }, true)).toBeUndefined();
    expect(nameFor('s', { ctrlKey: true }, true)).toBe('save');
    expect(nameFor('Enter', { ctrlKey: true }, true)).toBe('run');
  });

  it('of the clipboard come as its events', () => {
    expect(nameFor('c', { ctrlKey: true })).toBeUndefined();
    expect(nameFor('c')).toBe('collapse');
  });

  it('read as people write them', () => {
    expect(formatKeys('Mod+Shift+Z', false)).toBe('Ctrl+Shift+Z');
    expect(formatKeys('Mod+Shift+Enter', true)).toBe('⌘⇧↩');
  });
});

describe('perform', () => {
  it('does nothing that cannot be done now', () => {
    const editor = openEditor(graph({ n: node('number') }));
    perform(editor, 'remove');
    perform(editor, 'undo');
    expect(editor.graph.getState().past).toEqual([]);
  });

  it('shows what went wrong in a sentence', async () => {
    const editor = openEditor(graph({ n: node('number') }), fakeShell());
    editor.engine = undefined;
    perform(editor, 'run');
    await expect
      .poll(() => editor.view.getState().notices)
      .toMatchObject([{ kind: 'failure', text: messages.run.notReady }]);
  });
});
