import { beforeEach, describe, expect, it, vi } from 'vitest';
import { writeGraph } from '../../../graphs/document/write.ts';
import { describeNode } from '../../../nodes/card.ts';
import { UserError } from '../../../nodes/errors.ts';
import { library } from '../../../nodes/index.ts';
import { addPrompt, takeFiles } from '../../../renderer/commands/drop.ts';
import { pasteText } from '../../../renderer/commands/insert.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { learnCards } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { graph, node } from '../../graphs/example.ts';
import { type FakeShell, fakeShell, openEditor } from '../fakeEditor.ts';

const at = { x: 400, y: 240 };
const file = (name: string, content = name) => new File([content], name);
let shell: FakeShell;
let editor: Editor;
const nodes = () => Object.values(editor.graph.getState().document.nodes).map(({ type, params }) => ({ type, params }));

beforeEach(() => {
  shell = fakeShell(
    {
      keepImage: (name: string) => `/graphs/images/${name}`,
      readDropped: (name: string) => {
        if (name === 'with-graph.png' || name.endsWith('.json'))
          return { name, text: writeGraph(graph({ n: node('number') }, 'Dropped')) };
        throw new UserError('NO_GRAPH', 'It carries none.');
      },
    },
    {
      'own.png': { path: '/pictures/own.png' },
      'sd.safetensors': { path: '/m/sd.safetensors', model: 'generator' },
      'clip.safetensors': { path: '/m/clip.safetensors', model: 'clip' },
      'sd-turbo': { path: '/m/sd-turbo', model: 'generator' },
      'odd.bin': { path: '/m/odd.bin' },
    },
  );
  editor = openEditor(graph({}), shell);
  learnCards(editor.graph, [...library.values()].map(describeNode));
});

describe('files that are dropped', () => {
  it('become Load images: by their own path, or by that of a copy', async () => {
    await takeFiles(editor, [file('own.png')], at);
    await takeFiles(editor, [file('copied.png')], { x: 400, y: 800 });
    expect(nodes()).toMatchObject([
      { type: 'input/load-images', params: { path: '/pictures/own.png' } },
      { type: 'input/load-images', params: { path: '/graphs/images/copied.png' } },
    ]);
    expect(editor.graph.getState().document.nodes['load-images']?.position).toEqual([400, 224]);
  });

  it('of one size come into one node, others into one below', async () => {
    const sizes: Record<string, number> = { 'a.png': 64, 'b.png': 64, 'c.png': 32 };
    vi.stubGlobal('createImageBitmap', async ({ name }: File) => ({ width: sizes[name], height: 64, close: () => {} }));
    await takeFiles(
      editor,
      Object.keys(sizes).map((name) => file(name)),
      at,
    );
    vi.unstubAllGlobals();
    expect(nodes().map(({ params }) => params.path)).toEqual([
      '/graphs/images/a.png\n/graphs/images/b.png',
      '/graphs/images/c.png',
    ]);
    const [first, second] = Object.values(editor.graph.getState().document.nodes).map(({ position }) => position);
    expect(second![1]).toBeGreaterThan(first![1] + 60);
  });

  it('become the node that loads them where they are models, each its own', async () => {
    await takeFiles(editor, [file('sd.safetensors'), file('clip.safetensors'), file('sd-turbo')], at);
    expect(nodes()).toMatchObject([
      { type: 'model/load-generator', params: { model: '/m/sd.safetensors' } },
      { type: 'reward/clip-score', params: { model: '/m/clip.safetensors' } },
      { type: 'model/load-generator', params: { model: '/m/sd-turbo' } },
    ]);
  });

  it('say what is wrong with models of no known path or kind, and with what is nothing of all this', async () => {
    await expect(takeFiles(editor, [file('far.safetensors')], at)).rejects.toThrow(
      messages.drop.needsPath('far.safetensors'),
    );
    await expect(takeFiles(editor, [file('odd.bin')], at)).rejects.toThrow(messages.drop.unknownModel('odd.bin'));
    await expect(takeFiles(editor, [file('a.exe')], at)).rejects.toThrow(messages.drop.unknown('a.exe'));
    expect(nodes()).toEqual([]);
  });

  it('are all taken but for those that are nothing, of which the first is told', async () => {
    const files = ['far.safetensors', 'a.exe', 'sd.safetensors', 'words.txt', 'some.json'];
    await expect(
      takeFiles(
        editor,
        files.map((name) => file(name)),
        at,
      ),
    ).rejects.toThrow(messages.drop.needsPath('far.safetensors'));
    const [taken, opened] = Object.values(editor.tabs.getState().parked).map((tab) => tab?.graph.whole);
    expect(opened).toBeUndefined();
    expect(Object.values(taken!.nodes).map(({ type }) => type)).toEqual(['model/load-generator', 'input/text']);
    expect(editor.graph.getState().whole.title).toBe('Dropped');
  });

  it('are opened where they are graphs', async () => {
    await takeFiles(editor, [file('some.json')], at);
    await expect.poll(() => editor.graph.getState().whole.title).toBe('Dropped');
  });

  it('ask which is meant, where an image carries a graph', async () => {
    await takeFiles(editor, [file('with-graph.png')], at);
    expect(nodes()).toEqual([]);
    const { overlay } = editor.view.getState();
    if (overlay?.kind !== 'dropped') throw new Error('nothing is asked');
    overlay.load();
    await expect.poll(nodes).toMatchObject([{ params: { path: '/graphs/images/with-graph.png' } }]);
  });
});

describe('a text', () => {
  it('becomes a prompt, or a list of prompts where it has several lines', async () => {
    await pasteText(editor, ' a red circle \n', at);
    addPrompt(editor, 'one\n\ntwo\n', { x: 400, y: 700 });
    addPrompt(editor, ' \n', at);
    await takeFiles(editor, [file('words.txt', 'three')], { x: 900, y: 240 });
    expect(nodes()).toMatchObject([
      { type: 'input/text', params: { text: 'a red circle' } },
      { type: 'input/prompt-list', params: { prompts: 'one\ntwo' } },
      { type: 'input/text', params: { text: 'three' } },
    ]);
  });

  it('of a graph is pasted as such', async () => {
    await pasteText(editor, writeGraph(graph({ n: node('number') })), at);
    expect(nodes()).toMatchObject([{ type: 'test/number' }]);
  });
});
