import { beforeEach, describe, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { listWires } from '../../../graphs/edit/rewire.ts';
import { addNodeAt, addNodeInMiddle } from '../../../renderer/commands/add.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { nodeItems } from '../../../renderer/state/selection.ts';
import { select, selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { isEnabled, perform, performAsOneStep } from './performing.ts';

const start: GraphDocument = graph({
  n: node('number', { value: 2 }),
  a: node('sum', {}, { a: 'n.number' }, { position: [400, 80] }),
});
let editor: Editor;
const level = () => editor.graph.getState().document;
const view = () => editor.view.getState();
const cardOf = (type: string) => editor.graph.getState().cards.get(`test/${type}`)!;
const steps = () => editor.graph.getState().past.length;

beforeEach(() => {
  editor = openEditor(start);
});

describe('addNodeAt', () => {
  it('puts a node on the grid with its head at the place, and selects it', () => {
    addNodeAt(editor, cardOf('number'), { x: 101, y: 57 });
    const [id] = Object.keys(level().nodes).filter((name) => !start.nodes[name]);
    expect(level().nodes[id!]?.position).toEqual([104, 40]);
    expect(view().selection).toEqual(nodeItems([id!]));
    expect(steps()).toBe(1);
  });

  it('wires a new node to the output that is in the hand', () => {
    addNodeAt(editor, cardOf('total'), { x: 800, y: 0 }, { side: 'source', wire: ['a', 'number'] });
    expect(listWires(level()).at(-1)).toMatchObject({ wire: ['a', 'number'], name: 'numbers' });
    expect(steps()).toBe(1);
  });

  it('puts a node before the input that is in the hand, wired to it, and shows it', () => {
    addNodeAt(editor, cardOf('number'), { x: 400, y: 620 }, { side: 'target', node: 'a', name: 'b' });
    const { wire } = listWires(level()).find(({ name }) => name === 'b')!;
    expect(level().nodes[wire[0]]?.position).toEqual([120, 600]);
    expect(editor.canvas?.reveal).toHaveBeenCalledWith({ x: 120 + 128, y: 600 + 80 });
  });

  it('looks for the next free place below where a node covers the wanted one', () => {
    editor = openEditor({ ...start, nodes: { ...start.nodes, in: node('text', {}, {}, { position: [120, 560] }) } });
    addNodeAt(editor, cardOf('number'), { x: 400, y: 620 }, { side: 'target', node: 'a', name: 'b' });
    const { wire } = listWires(level()).find(({ name }) => name === 'b')!;
    expect(level().nodes[wire[0]]?.position).toEqual([120, 560 + 100 + 32 + 4]);
  });

  it('adds a node unwired where nothing of it fits', () => {
    addNodeAt(editor, cardOf('text'), { x: 0, y: 0 }, { side: 'target', node: 'a', name: 'b' });
    expect(Object.keys(level().nodes)).toHaveLength(3);
    expect(listWires(level())).toEqual(listWires(start));
  });

  it('below others in the middle of what is seen, again and again', () => {
    for (let i = 0; i < 3; i++) addNodeInMiddle(editor, cardOf('number'));
    const added = Object.entries(level().nodes).filter(([id]) => !start.nodes[id]);
    const tops = added.map(([, { position }]) => position[1]);
    expect(new Set(added.map(([, { position }]) => position[0]))).toEqual(new Set([800]));
    expect(tops[1]! - tops[0]!).toBeGreaterThanOrEqual(100);
    expect(tops[2]! - tops[1]!).toBeGreaterThanOrEqual(100);
  });
});

describe('addNode', () => {
  it('searches a node for the place of the pointer', async () => {
    await perform(editor, 'addNode');
    expect(view().overlay).toEqual({ kind: 'addNode', at: { x: 400, y: 240 }, screen: { x: 1400, y: 1240 } });
  });
});

describe('connect', () => {
  it('is for one node, beside which it offers its wires', async () => {
    for (const ids of [[], ['n', 'a']]) {
      selectNodes(editor.view, ids);
      expect(isEnabled(editor, 'connect')).toBe(false);
    }
    selectNodes(editor.view, ['a']);
    await perform(editor, 'connect');
    expect(view().overlay).toEqual({ kind: 'connect', node: 'a', screen: { x: 1400, y: 1080 } });
  });
});

describe('addNote', () => {
  it('puts a note at the pointer, to be written at once', async () => {
    await performAsOneStep(editor, 'addNote');
    expect(level().notes).toMatchObject([{ position: [400, 240] }]);
    await performAsOneStep(editor, 'addNote');
    expect(view()).toMatchObject({
      selection: [{ kind: 'note', place: 1 }],
      naming: { kind: 'note', place: 1 },
    });
  });
});

describe('frame', () => {
  it('draws a frame around the selected nodes with room for its title, to be named at once', async () => {
    expect(isEnabled(editor, 'frame')).toBe(false);
    selectNodes(editor.view, ['n', 'a']);
    await performAsOneStep(editor, 'frame');
    expect(level().frames).toMatchObject([{ position: [-24, -56], size: [648, 260] }]);
    expect(view()).toMatchObject({
      selection: [{ kind: 'frame', place: 0 }],
      naming: { kind: 'frame', place: 0 },
    });
  });
});

describe('reroute', () => {
  it('puts a dot into the middle of the selected wire and selects it', async () => {
    selectNodes(editor.view, ['n']);
    expect(isEnabled(editor, 'reroute')).toBe(false);
    select(editor.view, [{ kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } }]);
    await performAsOneStep(editor, 'reroute');
    const [id] = Object.keys(level().nodes).filter((name) => !start.nodes[name]);
    expect(level().nodes[id!]).toMatchObject({ type: 'reroute/number', position: [296, 32] });
    expect(level().nodes.a?.inputs.a).toEqual([[id, 'value']]);
    expect(view().selection).toEqual(nodeItems([id!]));
  });
});
