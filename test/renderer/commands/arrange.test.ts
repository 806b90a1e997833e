import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Editor } from '../../../renderer/state/editor.ts';
import { nodeItems } from '../../../renderer/state/selection.ts';
import { select, selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { isEnabled, perform, performAsOneStep } from './performing.ts';

const at = (x: number, y: number) => ({ position: [x, y] as const });
const start = graph({
  n: node('number', {}, {}, at(96, 40)),
  m: node('number', {}, {}, at(8, 200)),
  a: node('sum', {}, { a: 'n.number', b: 'm.number' }, at(48, 8)),
});
let editor: Editor;
const places = () =>
  Object.fromEntries(Object.entries(editor.graph.getState().document.nodes).map(([id, node]) => [id, node.position]));

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (call: () => void) => call());
  editor = openEditor(start);
});

describe('align and distribute', () => {
  it('are for several nodes', () => {
    selectNodes(editor.view, ['n']);
    for (const name of ['alignLeft', 'alignTop', 'distribute'] as const) expect(isEnabled(editor, name)).toBe(false);
  });

  it('bring the selected nodes to the least x or y of them, and leave the others', async () => {
    selectNodes(editor.view, ['n', 'a']);
    await performAsOneStep(editor, 'alignLeft');
    expect(places()).toEqual({ n: [48, 40], m: [8, 200], a: [48, 8] });
    await performAsOneStep(editor, 'alignTop');
    expect(places()).toEqual({ n: [48, 8], m: [8, 200], a: [48, 8] });
  });

  it('put the selected nodes in a row with equal gaps, in the order in which they lie', async () => {
    selectNodes(editor.view, ['n', 'm', 'a']);
    await performAsOneStep(editor, 'distribute');
    expect(places()).toEqual({ m: [8, 200], a: [256, 8], n: [504, 40] });
  });
});

describe('layout', () => {
  it('places all nodes in layers from left to right, in one step, and leaves the view where it is', async () => {
    await performAsOneStep(editor, 'layout');
    const { n, m, a } = places() as Record<'n' | 'm' | 'a', [number, number]>;
    expect(n[0]).toBe(m[0]);
    expect(a[0]).toBeGreaterThan(n[0] + 200);
    expect(Math.abs(n[1] - m[1])).toBeGreaterThanOrEqual(100);
    expect([Math.min(n[0], a[0]), Math.min(n[1], m[1], a[1])]).toEqual([8, 8]);
    expect(editor.canvas?.fit).not.toHaveBeenCalled();
  });

  it('leaves the nodes that are not selected where several are', async () => {
    selectNodes(editor.view, ['n', 'a']);
    await performAsOneStep(editor, 'layout');
    expect(places().m).toEqual([8, 200]);
    expect(places().n).not.toEqual([96, 40]);
  });
});

describe('the view', () => {
  it('snaps or not', async () => {
    const before = editor.view.getState().snap;
    await perform(editor, 'snap');
    expect(editor.view.getState().snap).toBe(!before);
  });

  it('fits the selection without its wires', async () => {
    expect(isEnabled(editor, 'fitSelection')).toBe(false);
    const wire = { kind: 'wire', arrived: { wire: ['n', 'number'], node: 'a', name: 'a' } } as const;
    select(editor.view, [...nodeItems(['n']), wire, { kind: 'note', place: 0 }]);
    await perform(editor, 'fitSelection');
    expect(editor.canvas?.fit).toHaveBeenCalledWith([...nodeItems(['n']), { kind: 'note', place: 0 }]);
  });

  it.each([
    ['findNode', { overlay: { kind: 'findNode' } }],
    ['commands', { overlay: { kind: 'commands' } }],
    ['shortcuts', { overlay: { kind: 'shortcuts' } }],
    ['about', { overlay: { kind: 'about' } }],
    ['settings', { overlay: { kind: 'settings' } }],
    ['models', { side: 'models' }],
    ['templates', { side: 'templates' }],
    ['showRuns', { page: 'runs' }],
  ] as const)('%s shows what it says', async (name, shown) => {
    await perform(editor, name);
    expect(editor.view.getState()).toMatchObject(shown);
  });

  it.each(['minimap', 'inspector', 'problems'] as const)('%s comes and goes', async (name) => {
    const before = editor.view.getState()[name];
    await perform(editor, name);
    expect(editor.view.getState()[name]).toBe(!before);
    await perform(editor, name);
    expect(editor.view.getState()[name]).toBe(before);
  });
});
