import { type NodeHandle, Position } from 'reactflow';
import { type GraphNode, own } from '../../graphs/document/document.ts';
import { isBoundary, isReroute } from '../../graphs/document/levels.ts';
import type { Cards } from '../../nodes/card.ts';
import type { Param } from '../../nodes/params.ts';

/** So many params are shown in a node before the rest waits behind a button. */
export const SHOWN_PARAMS = 5;

export interface CardShape {
  readonly measured: { readonly width: number; readonly height: number };
  readonly handles: NodeHandle[];
}

const HEAD = 33;
const ROW = 24;
const PARAM = 28;
const LONG_PARAM = 80;
const SOCKET = 12;

/**
 * About the size of a node and the places of its sockets in pixels, as style/canvas.css makes them: enough to place it
 * and its wires before it was drawn, so that what lies outside the window, or is too small to read, need not be.
 */
export function cardShape(node: GraphNode, cards: Cards): CardShape {
  if (isReroute(node)) {
    const handles = [socket('value', 'target', 0, 8), socket('value', 'source', 16, 8)];
    return { measured: { width: 16, height: 16 }, handles };
  }
  const card = cards.get(node.type);
  const width = isBoundary(node) ? 176 : 256;
  const inputs = Object.keys(card?.inputs ?? node.inputs);
  const outputs = Object.keys(card?.outputs ?? {});
  const params = Object.entries(card?.params ?? {});
  if (node.collapsed) {
    const middle = HEAD + 16;
    const left = [...inputs, ...params.map(([name]) => name)].map((name) => socket(name, 'target', 0, middle));
    const right = outputs.map((name) => socket(name, 'source', width, middle));
    return { measured: { width, height: HEAD + 33 }, handles: [...left, ...right] };
  }
  const middleOf = (i: number) => HEAD + 5 + i * ROW + ROW / 2;
  const rows = Math.max(inputs.length, outputs.length) + (isBoundary(node) ? 1 : 0);
  const handles = [
    ...inputs.map((name, i) => socket(name, 'target', 0, middleOf(i))),
    ...outputs.map((name, i) => socket(name, 'source', width, middleOf(i))),
  ];
  const shown = params.filter(([name], i) => i < SHOWN_PARAMS || own(node.inputs, name)?.length);
  let y = HEAD + (rows > 0 ? rows * ROW + 9 : 0) + (shown.length > 0 ? 5 : 0);
  for (const [name, param] of shown) {
    const height = isLong(param) ? LONG_PARAM : PARAM;
    handles.push(socket(name, 'target', 0, y + (isLong(param) ? ROW : height) / 2));
    y += height;
  }
  const height = y + (shown.length > 0 ? 4 : 0) + (shown.length < params.length ? ROW : 0) + 1;
  return { measured: { width, height }, handles };
}

function isLong(param: Param): boolean {
  return param.kind === 'text' && param.multiline === true;
}

function socket(id: string, type: 'source' | 'target', x: number, y: number): NodeHandle {
  const position = type === 'target' ? Position.Left : Position.Right;
  return { id, type, position, x: x - SOCKET / 2, y: y - SOCKET / 2, width: SOCKET, height: SOCKET };
}
