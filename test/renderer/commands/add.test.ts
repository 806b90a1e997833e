import { beforeEach, describe, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { listWires } from '../../../graphs/edit/rewire.ts';
import { addNodeAt, addNodeInMiddle } from '../../../renderer/commands/add.ts';
import { estimateCardShape } from '../../../renderer/level/cardShape.ts';
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

  it('puts a node with the socket that is wired at the place, from an output or an input, and leaves the view', () => {
    const socketAt = (id: string, side: 'source' | 'target', name: string) => {
      const { cards } = editor.graph.getState();
      const [x, y] = level().nodes[id]!.position;
      const socket = estimateCardShape(level().nodes[id]!, cards).sockets.find(
        (each) => each.side === side && each.name === name,
      )!;
      return [x + socket.x, y + socket.y];
    };
    const isNear = ([x, y]: readonly number[], [wantedX, wantedY]: readonly number[]) => {
      expect(Math.abs(x! - wantedX!)).toBeLessThanOrEqual(4); // the grid
      expect(Math.abs(y! - wantedY!)).toBeLessThanOrEqual(4);
    };
    addNodeAt(editor, cardOf('number'), { x: 300, y: 620 }, { side: 'target', node: 'a', name: 'b' });
    const { wire } = listWires(level()).find(({ name }) => name === 'b')!;
    isNear(socketAt(wire[0], 'source', 'number'), [300, 620]);
    addNodeAt(editor, cardOf('total'), { x: 900, y: 640 }, { side: 'source', wire: ['a', 'number'] });
    isNear(socketAt(listWires(level()).at(-1)!.node, 'target', 'numbers'), [900, 640]);
    expect(editor.canvas?.reveal).not.toHaveBeenCalled();
    expect(editor.canvas?.fit).not.toHaveBeenCalled();
  });

  it('pushes aside what the new node would cover, in the same step', () => {
    addNodeAt(editor, cardOf('number'), { x: 380, y: 120 });
    const [id] = Object.keys(level().nodes).filter((name) => !start.nodes[name]);
    expect(level().nodes[id!]?.position).toEqual([384, 104]);
    expect(level().nodes.n?.position).toEqual(start.nodes.n?.position);
    const [x, y] = level().nodes.a!.position;
    expect([x, y]).not.toEqual([400, 80]);
    expect(x >= 384 + 256 || y + 100 <= 104 || y >= 104 + 60).toBe(true);
    expect(steps()).toBe(1);
  });

  it('adds a node unwired where nothing of it fits', () => {
    addNodeAt(editor, cardOf('text'), { x: 0, y: 0 }, { side: 'target', node: 'a', name: 'b' });
    expect(Object.keys(level().nodes)).toHaveLength(3);
    expect(listWires(level())).toEqual(listWires(start));
  });

  it('finds room for one after the other in what is seen, none over another', () => {
    for (let i = 0; i < 4; i++) addNodeInMiddle(editor, cardOf('number'));
    const places = Object.values(level().nodes).map(({ position }) => position);
    expect(level().nodes.a?.position).toEqual([400, 80]);
    for (const [i, [x, y]] of places.entries()) {
      expect(x >= 0 && x + 200 <= 1600 && y >= 0 && y + 100 <= 800).toBe(true);
      for (const [otherX, otherY] of places.slice(i + 1))
        expect(Math.abs(x - otherX) >= 200 || Math.abs(y - otherY) >= 60).toBe(true);
    }
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
