import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Preferences } from '../../../electron/host/ipc.ts';
import { INPUTS, OUTPUTS } from '../../../graphs/document/levels.ts';
import { makeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { describeNode } from '../../../nodes/card.ts';
import { library } from '../../../nodes/index.ts';
import { formatBytes, formatDuration, formatScore, spellName } from '../../../renderer/state/format.ts';
import { lookInside, openDocument } from '../../../renderer/state/graph.ts';
import { speakChosen } from '../../../renderer/state/language.ts';
import { messages, speak } from '../../../renderer/state/messages.ts';
import { createEditor } from '../../../renderer/state/session.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell } from '../fakeEditor.ts';

beforeEach(() => void vi.stubGlobal('navigator', { languages: ['en-US'] }));
afterEach(() => {
  vi.unstubAllGlobals();
  speak('en');
});

/** An editor whose engine has the real nodes, as it is once its language is there. */
async function start(language: Preferences['language']) {
  const given: Preferences = {
    theme: 'dark',
    language,
    device: 'wasm',
    previews: true,
    autosave: false,
    memoryShare: 0.5,
    runsFolder: '',
    view: {},
  };
  const shell = fakeShell({ readPreferences: () => given });
  shell.engine.describeNodes = async () => [...library.values()].map(describeNode);
  const editor = createEditor(shell);
  shell.connect();
  await vi.waitFor(() => expect(editor.graph.getState().library.size).toBeGreaterThan(0));
  return { editor, shell };
}

describe('the language of a window', () => {
  it('is the one that was chosen, for its texts and its nodes', async () => {
    const { editor } = await start('de');
    expect(editor.view.getState()).toMatchObject({ language: 'de', spoken: 'de' });
    expect(messages.commands.save).toBe('Speichern');
    expect(editor.graph.getState().library.get('input/noise')).toMatchObject({
      title: 'Rauschen',
      params: library.get('input/noise')!.params,
    });
    expect(spellName('guidanceScale')).toBe('Guidance Scale');
    expect(spellName('myOwnPort')).toBe('my own port');
  });

  it('is English from the first moment where the system is, and else waits for its texts', async () => {
    expect(createEditor(fakeShell()).view.getState().spoken).toBe('en');
    vi.stubGlobal('navigator', { languages: ['ja-JP'] });
    expect(createEditor(fakeShell()).view.getState().spoken).toBeUndefined();
    const { editor } = await start('system');
    expect(editor.view.getState().spoken).toBe('ja');
    expect(messages.commands.save).toBe('保存');
  });

  it('changes at once, and the last choice counts', async () => {
    const { editor } = await start('en');
    editor.view.setState({ language: 'zh-Hans' });
    const first = speakChosen(editor);
    editor.view.setState({ language: 'es' });
    await Promise.all([first, speakChosen(editor)]);
    expect(editor.view.getState().spoken).toBe('es');
    expect(messages.commands.save).toBe('Guardar');
    expect(editor.graph.getState().cards.get('input/noise')?.title).toBe('Ruido');
    editor.view.setState({ language: 'en' });
    await speakChosen(editor);
    expect(messages.commands.save).toBe('Save');
    expect(editor.graph.getState().cards.get('input/noise')?.title).toBe('Noise');
  });

  it('is the last one that was chosen, too, where a busy engine describes its nodes late', async () => {
    const { editor, shell } = await start('en');
    const cards = await shell.engine.describeNodes();
    const waiting: (() => void)[] = [];
    shell.engine.describeNodes = () => new Promise((resolve) => waiting.push(() => resolve(cards)));
    editor.view.setState({ language: 'ja' });
    const first = speakChosen(editor);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    editor.view.setState({ language: 'en' });
    await speakChosen(editor);
    waiting[0]!();
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    waiting[1]!();
    await first;
    expect(editor.view.getState().spoken).toBe('en');
    expect(messages.commands.save).toBe('Save');
  });

  it('describes reroutes, subgraphs and their ports, and leaves what files say as it is', async () => {
    const { editor } = await start('de');
    const { library: cards } = editor.graph.getState();
    const number = node('', { value: 1 }, {}, { type: 'input/number', title: 'My number' });
    const noise = node('', {}, { seed: 'a.number' }, { type: 'input/noise' });
    const wired = graph({ a: number, b: noise }, 'My graph');
    openDocument(editor.graph, wired, { name: 'x', draft: 'y' });
    expect(editor.graph.getState().whole).toBe(wired);
    const made = makeSubgraph(wired, cards, ['b'], messages.canvas.newSubgraph);
    openDocument(editor.graph, made.document, { name: 'x', draft: 'y' });
    const at = editor.graph.getState().cards;
    expect(at.get(`subgraph/${Object.keys(made.document.subgraphs!)[0]}`)?.summary).toBe('Ein Subgraph aus 3 Knoten.');
    expect(at.get('reroute/number')).toMatchObject({ title: 'Umleitung', summary: expect.stringContaining('Zahl') });
    lookInside(editor.graph, [made.id]);
    const inside = editor.graph.getState().cards;
    expect([inside.get(INPUTS)?.title, inside.get(OUTPUTS)?.title]).toEqual(['Eingänge', 'Ausgänge']);
    expect(inside).toBe(editor.graph.getState().cards);
  });

  it('writes numbers with its own sign', async () => {
    await start('de');
    expect([formatBytes(6.1e9), formatDuration(1500), formatScore(0.12345)]).toEqual(['6,1 GB', '1,5 s', '0,1235']);
    speak('ja');
    expect([formatBytes(6.1e9), formatDuration(1500), formatScore(Number.NaN)]).toEqual(['6.1 GB', '1.5 s', '–']);
    vi.stubGlobal('navigator', { languages: ['de-CH'] });
    speak('de');
    expect(formatBytes(6.1e9)).toBe('6.1 GB');
  });
});
