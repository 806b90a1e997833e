export const FORMAT = 'noiseloom-graph';
/** The newest document version this program reads, and the one it writes. */
export const VERSION = 1;

/** What is refused before memory is taken for it: graphs come from strangers. */
export const limits = {
  /** UTF-16 units of the text of a graph. */
  text: 64 * 2 ** 20,
  /** Brackets within brackets in the text of a graph. */
  depth: 64,
  nodes: 200_000,
  /** Elements of a list on a wire, and so runs of one node. */
  list: 10_000,
} as const;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where a value comes from: the id of a node, and one of its outputs. */
export type Wire = readonly [node: string, output: string];

export interface GraphNode {
  readonly type: string;
  readonly version: number;
  /** What people call this node; without it the title of its type. */
  readonly title?: string;
  /** A param that is absent has its initial value. */
  readonly params: Readonly<Record<string, Json>>;
  /** Wires stored where they arrive, by the name of an input or of a param they drive. */
  readonly inputs: Readonly<Record<string, readonly Wire[]>>;
  readonly position: readonly [x: number, y: number];
  /** A muted node does not run: it passes on the first connected input of each output's type. */
  readonly muted?: boolean;
  readonly collapsed?: boolean;
}

/** A text on the canvas. */
export interface Note {
  readonly text: string;
  readonly position: readonly [x: number, y: number];
  readonly size: readonly [width: number, height: number];
}

/** A titled rectangle behind nodes. */
export interface Frame {
  readonly title: string;
  readonly position: readonly [x: number, y: number];
  readonly size: readonly [width: number, height: number];
}

/**
 * A graph as it lies in a file. Immutable: edits make a new document (see `edit.ts`). Fields that this version does not
 * know are kept where they are.
 */
export interface GraphDocument {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly title: string;
  readonly notes?: readonly Note[];
  readonly frames?: readonly Frame[];
  readonly nodes: Readonly<Record<string, GraphNode>>;
}

export function emptyDocument(title: string): GraphDocument {
  return { format: FORMAT, version: VERSION, title, nodes: {} };
}

/** The value of an own property: names in graphs come from strangers, and may be `constructor`. */
export function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
