import type { NodeChange } from 'reactflow';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { moveNodes } from '../../graphs/edit/edit.ts';
import { changeMark } from '../../graphs/edit/marks.ts';
import type { CanvasItem } from '../state/selection.ts';
import { type FlowNode, findInsideFrame, flowId, readFlowId } from './flow.ts';

/** The changes that come with those of frames: what lies in a frame moves with it. */
export function carryWithFrames(
  changes: readonly NodeChange<FlowNode>[],
  nodes: readonly FlowNode[],
): NodeChange<FlowNode>[] {
  const moving = new Set(changes.map((change) => ('id' in change ? change.id : '')));
  return changes.flatMap((change) => {
    if (change.type !== 'position' || !change.position) return [];
    const frame = nodes.find(({ id, type }) => id === change.id && type === 'frame');
    if (!frame) return [];
    const [dx, dy] = [change.position.x - frame.position.x, change.position.y - frame.position.y];
    const dragging = change.dragging === true;
    return findInsideFrame(frame, nodes)
      .filter(({ id }) => !moving.has(id))
      .map(({ id, position: { x, y } }) => ({ id, type: 'position', dragging, position: { x: x + dx, y: y + dy } }));
  });
}

interface Moved {
  readonly item: CanvasItem;
  readonly x: number;
  readonly y: number;
}

/** What was moved and let go of, with the places where it lies now. */
export function findSettled(changes: readonly NodeChange<FlowNode>[]): Moved[] {
  return changes.flatMap((change) =>
    change.type === 'position' && change.position && !change.dragging
      ? [{ item: readFlowId(change.id), ...change.position }]
      : [],
  );
}

/** The edit group of a move, so that successive moves of the same items are one undo step. */
export function nameMove(items: readonly CanvasItem[]): string {
  return `move ${items.map(flowId)}`;
}

/** The document with nodes, notes and frames at new places, in whole pixels. */
export function moveItems(document: GraphDocument, moved: readonly Moved[]): GraphDocument {
  const positions: Record<string, readonly [number, number]> = {};
  let next = document;
  for (const { item, x, y } of moved) {
    const position = [Math.round(x), Math.round(y)] as const;
    if (item.kind === 'wire') continue;
    const list = item.kind === 'note' ? 'notes' : 'frames';
    const old = item.kind === 'node' ? document.nodes[item.id] : document[list]?.[item.place];
    if (!old || (old.position[0] === position[0] && old.position[1] === position[1])) continue;
    if (item.kind === 'node') positions[item.id] = position;
    else next = changeMark(next, list, item.place, { position });
  }
  return moveNodes(next, positions);
}
