import { expect, it } from 'vitest';
import { toFlowNodes } from '../../../renderer/canvas/flow.ts';
import { keepViewport, noteZoom, READABLE_ZOOM, recallViewport } from '../../../renderer/canvas/viewport.ts';
import { lookInside } from '../../../renderer/state/graph.ts';
import { graph, library, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';

const start = graph({
  n: node('number', {}, {}, { position: [0, 0] }),
  m: node('number', {}, {}, { position: [4000, 1000] }),
});
const nodes = toFlowNodes(start, library, [], []);

it('shows a level as a whole at first, and where it was left afterwards', () => {
  const editor = openEditor(start);
  const { x, y, zoom } = recallViewport(editor, nodes, 800, 600);
  expect(zoom).toBeLessThan(800 / 4256);
  for (const corner of [0, 4256]) expect(corner * zoom + x).toSatisfy((at: number) => at >= 0 && at <= 800);
  for (const corner of [0, 1000]) expect(corner * zoom + y).toSatisfy((at: number) => at >= 0 && at <= 600);
  keepViewport(editor, { x: 1, y: 2, zoom: 0.5 });
  expect(recallViewport(editor, nodes, 800, 600)).toEqual({ x: 1, y: 2, zoom: 0.5 });
  editor.graph.setState({ draft: 'another' });
  lookInside(editor.graph, []);
  expect(recallViewport(editor, nodes, 800, 600)).toEqual({ x, y, zoom });
});

it('shows a graph that could not be read as a whole from its beginning', () => {
  const row = graph({
    n: node('number', {}, {}, { position: [100, 50] }),
    m: node('number', {}, {}, { position: [1500, 50] }),
  });
  const { x, y, zoom } = recallViewport(openEditor(row), toFlowNodes(row, library, [], []), 1200, 700);
  expect(zoom).toBe(READABLE_ZOOM);
  expect(100 * zoom + x).toBe(24);
  expect(50 * zoom + y).toBeGreaterThan(200); // in the middle, where there is room
});

it('shows nodes no larger than they are', () => {
  const editor = openEditor(start);
  expect(recallViewport(editor, nodes.slice(0, 1), 2000, 2000).zoom).toBe(1);
});

it('tells the view when nodes cannot be read, and only when that changes', () => {
  const editor = openEditor(start);
  let changes = 0;
  editor.view.subscribe(() => changes++);
  for (const zoom of [1, 0.4, 0.39, 0.1, 0.4]) noteZoom(editor, zoom);
  expect(editor.view.getState().far).toBe(false);
  expect(changes).toBe(2);
});
