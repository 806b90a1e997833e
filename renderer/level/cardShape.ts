import { type GraphNode, type Json, own } from '../../graphs/document/document.ts';
import { isBoundary, isReroute } from '../../graphs/document/levels.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import { formatParam, type Param } from '../../nodes/params.ts';
import { nameModel, spellName } from '../state/format.ts';
import { messages } from '../state/messages.ts';

/** The number of params shown in a node; the rest is behind a button. */
export const SHOWN_PARAMS = 5;

/** The size of a node that was not drawn yet and is drawn in full. */
export const USUAL_SIZE = { width: 256, height: 160 } as const;

export interface Socket {
  readonly name: string;
  readonly side: 'source' | 'target';
  /** Its middle, in pixels from the top left corner of the node. */
  readonly x: number;
  readonly y: number;
}

export interface CardShape {
  readonly width: number;
  readonly height: number;
  readonly sockets: readonly Socket[];
}

const HEAD_HEIGHT = 33;
const ROW_HEIGHT = 24;
const PARAM_HEIGHT = 28;
const LONG_PARAM_HEIGHT = 80;

/**
 * About the size of a node and the places of its sockets in pixels, as style/card.css makes them: enough to place the node
 * and its wires before it is drawn, so that what lies outside the window, or is too small to read, need not be drawn.
 */
export function estimateCardShape(node: GraphNode, cards: Cards): CardShape {
  if (isReroute(node)) {
    const sockets = [targetAt('value', 8), { name: 'value', side: 'source', x: 16, y: 8 } as const];
    return { width: 16, height: 16, sockets };
  }
  const card = cards.get(node.type);
  const width = cardWidth(node, card);
  const inputs = Object.keys(card?.inputs ?? node.inputs);
  const outputs = Object.keys(card?.outputs ?? {});
  const params = Object.entries(card?.params ?? {});
  const sourceAt = (name: string, y: number): Socket => ({ name, side: 'source', x: width, y });
  if (node.collapsed) {
    const middle = HEAD_HEIGHT + 16;
    const targets = [...inputs, ...params.map(([name]) => name)].map((name) => targetAt(name, middle));
    const sources = outputs.map((name) => sourceAt(name, middle));
    return { width, height: HEAD_HEIGHT + 33, sockets: [...targets, ...sources] };
  }
  const middleOfRow = (i: number) => HEAD_HEIGHT + 5 + i * ROW_HEIGHT + ROW_HEIGHT / 2;
  const rows = Math.max(inputs.length, outputs.length) + (isBoundary(node) ? 1 : 0);
  const sockets = [
    ...inputs.map((name, i) => targetAt(name, middleOfRow(i))),
    ...outputs.map((name, i) => sourceAt(name, middleOfRow(i))),
  ];
  const shown = params.filter(([name], i) => i < SHOWN_PARAMS || own(node.inputs, name)?.length);
  let y = HEAD_HEIGHT + (rows > 0 ? rows * ROW_HEIGHT + 9 : 0) + (shown.length > 0 ? 5 : 0);
  for (const [name, param] of shown) {
    const height = isLong(param) ? LONG_PARAM_HEIGHT : PARAM_HEIGHT;
    sockets.push(targetAt(name, y + (isLong(param) ? ROW_HEIGHT : height) / 2));
    y += height;
  }
  const height = y + (shown.length > 0 ? 4 : 0) + (shown.length < params.length ? ROW_HEIGHT : 0) + 1;
  return { width, height, sockets };
}

/** The least and the largest width of a node in pixels: by its content, and as it can be dragged. */
export const WIDTHS = { least: 160, usual: USUAL_SIZE.width, fitting: 416, most: 800 } as const;
/** About the width in pixels of a letter, of a sign as wide as it is high, and of what is around a model, a choice ... */
const LETTER = 7;
const BOLD_LETTER = 8;
const WIDE_SIGN = 13;
const AROUND = { model: 76, choice: 68, word: 52, ports: 60, title: 92 } as const;

/**
 * The width of a node: the one that a person gave it, or else that of its content in steps of 32 pixels: titles, names of
 * ports and values that are chosen are not cut. What is typed does not widen it, so that it stays while one types.
 */
export function cardWidth(node: GraphNode, card: NodeCard | undefined): number {
  const { least, usual, fitting, most } = WIDTHS;
  if (node.width !== undefined) return Math.min(most, Math.max(least, node.width));
  if (isBoundary(node)) return 176;
  const title = AROUND.title + lengthOf(node.title ?? card?.title ?? '', BOLD_LETTER);
  const [inputs, outputs] = [card?.inputs, card?.outputs].map((ports) => Object.keys(ports ?? {}).map(spellName));
  const ports = Array.from(
    { length: Math.max(inputs?.length ?? 0, outputs?.length ?? 0) },
    (_, i) => AROUND.ports + lengthOf(`${inputs?.[i] ?? ''}${outputs?.[i] ?? ''}`),
  );
  const values = Object.entries(card?.params ?? {})
    .slice(0, SHOWN_PARAMS)
    .map(([name, param]) => widthOf(spellName(name), param, node.params[name]));
  const wanted = Math.max(usual, title, ...ports, ...values);
  return Math.min(fitting, usual + Math.ceil((wanted - usual) / 32) * 32);
}

/** Pixels that a param takes with a value that was chosen; 0 of one that is typed or as long as one likes. */
function widthOf(name: string, param: Param, value: Json | undefined): number {
  const shown = value ?? param.initial;
  const width = (around: number, text: string) => around + lengthOf(`${name}${text}`);
  if (param.kind === 'model') return width(AROUND.model, nameModel(String(shown)));
  const word = messages.controls.words[formatParam(param, shown)];
  if (param.kind === 'choice') return width(AROUND.choice, word ?? String(shown));
  return 'words' in param && word !== undefined ? width(AROUND.word, word) : 0;
}

/** About the width of a text in pixels. */
function lengthOf(text: string, letter = LETTER): number {
  const wide = text.match(/[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]/g)?.length ?? 0;
  return letter * (text.length - wide) + WIDE_SIGN * wide;
}

function targetAt(name: string, y: number): Socket {
  return { name, side: 'target', x: 0, y };
}

function isLong(param: Param): boolean {
  return param.kind === 'text' && param.multiline === true;
}
