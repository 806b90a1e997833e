import type { NodeChange } from 'reactflow';
import { describe, expect, it } from 'vitest';
import { type FlowNode, toFlowNodes } from '../../../renderer/canvas/flow.ts';
import { carryWithFrames, findSettled, moveItems } from '../../../renderer/canvas/moving.ts';
import { graph, library, node } from '../../graphs/example.ts';

const start = {
  ...graph({
    n: node('number', {}, {}, { position: [16, 40] }),
    far: node('number', {}, {}, { position: [2000, 40] }),
  }),
  notes: [{ text: 'here', position: [300, 40], size: [80, 40] }],
  frames: [{ title: 'all', position: [0, 0], size: [800, 800] }],
} as const;
const nodes = toFlowNodes(start, library, [], []);
const move = (id: string, x: number, y: number, dragging = true): NodeChange<FlowNode> => ({
  id,
  type: 'position',
  position: { x, y },
  dragging,
});

describe('carryWithFrames', () => {
  it('moves what lies in a frame as far as the frame', () => {
    expect(carryWithFrames([move('frames:0', 10, -5)], nodes)).toEqual([move('n', 26, 35), move('notes:0', 310, 35)]);
  });

  it('leaves what is moved by itself, and what no frame holds', () => {
    expect(carryWithFrames([move('frames:0', 10, 0, false), move('n', 1, 1)], nodes)).toEqual([
      move('notes:0', 310, 40, false),
    ]);
    expect(carryWithFrames([move('n', 1, 1), { id: 'n', type: 'select', selected: true }], nodes)).toEqual([]);
  });
});

describe('what was let go of', () => {
  it('lies where it was put, in whole pixels, whatever it is', () => {
    const settled = findSettled([
      move('n', 20.4, 40.6, false),
      move('far', 1, 1),
      move('notes:0', 301.5, 40, false),
      { id: 'n', type: 'select', selected: true },
    ]);
    expect(settled.map(({ item }) => item)).toEqual([
      { kind: 'node', id: 'n' },
      { kind: 'note', place: 0 },
    ]);
    const moved = moveItems(start, settled);
    expect(moved.nodes.n?.position).toEqual([20, 41]);
    expect(moved.nodes.far).toBe(start.nodes.far);
    expect(moved.notes?.[0]?.position).toEqual([302, 40]);
    expect(moved.frames).toBe(start.frames);
  });

  it('is no edit where nothing moved', () => {
    expect(moveItems(start, findSettled([move('n', 16, 40, false), move('frames:0', 0, 0, false)]))).toBe(start);
  });
});
