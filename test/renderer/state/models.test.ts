import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelList } from '../../../electron/host/ipc.ts';
import { emptyDocument } from '../../../graphs/document/document.ts';
import { levelCards } from '../../../graphs/document/levels.ts';
import { setParam } from '../../../graphs/edit/edit.ts';
import { makeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { type Cards, describeNode } from '../../../nodes/card.ts';
import { library as everything } from '../../../nodes/index.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { editGraph } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { findGenerator, listModelUses } from '../../../renderer/state/modelUses.ts';
import { run } from '../../../renderer/state/running.ts';
import { graph, library, node } from '../../graphs/example.ts';
import { type FakeShell, fakeShell, openEditor } from '../fakeEditor.ts';

const load = (model: string) => node('load-reward', { model });
const start = graph({ a: load('org/one'), b: load('org/two'), s: node('number') });
const list: ModelList = {
  models: [],
  known: [
    { name: 'org/one', kind: 'clip', family: 'One', bytes: 4e9 },
    { name: 'org/two', kind: 'clip', family: 'Two', bytes: 2.1e9 },
  ],
  folder: '/models',
  freeBytes: 1e12,
};
let here: string[];
let shell: FakeShell;
let editor: Editor;
const codes = () => editor.graph.getState().problems.map(({ code, at }) => [code, at.node, at.param]);

beforeEach(async () => {
  here = [];
  shell = fakeShell({
    listModels: () => ({ ...list }),
    findMissingModels: (names: string[]) => names.filter((name) => !here.includes(name)),
  });
  editor = openEditor(start, shell);
  await expect.poll(codes).toEqual([
    ['MISSING_MODEL', 'a', 'model'],
    ['MISSING_MODEL', 'b', 'model'],
  ]);
});

describe('models that the graph names and that are not here', () => {
  it('are problems before a run, which does not start; one button downloads all, and says how much', async () => {
    await run(editor);
    expect(shell.asked).toEqual([]);
    const [notice] = editor.view.getState().notices;
    expect(notice).toMatchObject({
      text: messages.models.severalMissing(2),
      action: { label: messages.models.pullAll(2, '6.1 GB') },
    });
    notice?.action?.perform();
    await expect
      .poll(() => shell.calls.filter(([method]) => method === 'startPull'))
      .toEqual([
        ['startPull', 'org/one'],
        ['startPull', 'org/two'],
      ]);
  });

  it('do not keep what does not need them from running', () => {
    void run(editor, ['s']);
    expect(shell.asked).toHaveLength(1);
    void run(editor, ['a']);
    expect(shell.asked).toHaveLength(1);
    expect(editor.view.getState().notices.at(-1)?.text).toContain('"org/one" is not on this machine');
  });

  it('are none any more once they are downloaded, or another is chosen', async () => {
    here.push('org/one');
    shell.tell({ type: 'pull', pull: { name: 'org/one', state: 'done' } });
    await expect.poll(codes).toEqual([['MISSING_MODEL', 'b', 'model']]);
    editGraph(editor.graph, (document) => setParam(document, library, 'b', 'model', 'org/one'));
    await expect.poll(codes).toEqual([]);
  });
});

it('finds the model of the generator that a node takes, also through a reroute', () => {
  const cards: Cards = new Map([...everything].map(([type, each]) => [type, describeNode(each)]));
  const at = { version: 1, params: {}, inputs: {}, position: [0, 0] } as const;
  const nodes = {
    g: { ...at, type: 'model/load-generator', params: { model: 'builtin:world' } },
    r: { ...at, type: 'reroute/generator', inputs: { value: [['g', 'generator'] as const] } },
    s: { ...at, type: 'generate/sample', inputs: { generator: [['r', 'value'] as const] } },
    lone: { ...at, type: 'generate/sample' },
  };
  const document = { ...emptyDocument(''), nodes };
  const level = levelCards(document, cards, undefined);
  expect(findGenerator(document, level, 's')).toBe('builtin:world');
  expect(findGenerator(document, level, 'lone')).toBeUndefined();
});

it('lists what unmuted nodes name, inside subgraphs with the node around, and not what a wire gives', () => {
  const flat = graph({
    a: load('org/one'),
    m: { ...load('org/two'), muted: true },
    t: node('text', { text: 'x' }),
    w: node('load-reward', { model: 'org/three' }, { model: 't.text' }),
  });
  const { document, id } = makeSubgraph(flat, library, ['a'], 'Inner');
  expect(listModelUses(document, library).map(({ node, model, takes }) => [node, model, takes])).toEqual([
    [`${id}/a`, 'org/one', 'clip'],
  ]);
});
