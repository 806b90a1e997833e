import type { PortType } from '../../nodes/ports.ts';

export const FORMAT = 'noiseloom-graph';
/** The newest document version this program reads, and the one it writes. */
export const VERSION = 2;

/** Larger input is refused before memory is allocated for it: graphs come from strangers. */
export const limits = {
  /** UTF-16 units of the text of a graph. */
  text: 64 * 2 ** 20,
  /** Nesting of brackets in the text of a graph. */
  depth: 64,
  /** Values in the text of a graph. */
  values: 10_000_000,
  /** Nodes of a graph with all that its subgraphs hold, each as often as it is used. */
  nodes: 200_000,
  subgraphs: 1000,
  /** Nesting of subgraphs. */
  nesting: 32,
  /** Wires of a graph whose subgraphs are replaced by their nodes, and steps along reroutes and ports to find them. */
  wires: 1_000_000,
  /** Elements of a list on a wire or of all wires at an input of many, and so runs of one node. */
  list: 10_000,
  /** Problems reported for one graph. */
  problems: 1000,
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
  /** The name of a colour that a person gave it; one of `nodeColours` in the editor. */
  readonly colour?: string;
  /** Pixels across, as a person set them; without it a node is as wide as its content. */
  readonly width?: number;
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
 * A graph that nodes of the type `subgraph/NAME` stand for, as often as there are such nodes. What comes in leaves a node
 * of the type `graph/inputs` inside, what goes out arrives at one of `graph/outputs`.
 */
export interface Subgraph {
  readonly title: string;
  /** The type of value at each port, by its name. */
  readonly inputs: Readonly<Record<string, PortType>>;
  readonly outputs: Readonly<Record<string, PortType>>;
  readonly notes?: readonly Note[];
  readonly frames?: readonly Frame[];
  readonly nodes: Readonly<Record<string, GraphNode>>;
}

/** A param that a form shows, under a name of its own, by which `--set name=value` sets it as well. */
export interface FormField {
  readonly name: string;
  /** The param as in overrides: `node.param`, or `outer/inner.param` inside a subgraph. */
  readonly param: string;
}

/** What a graph shows to people who do not wire: some params and the results of some nodes, in this order. */
export interface Form {
  readonly fields: readonly FormField[];
  /** Ids of nodes at the top; empty: of all that save or show images. */
  readonly results: readonly string[];
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
  readonly form?: Form;
  /** By name, as in the types of the nodes that use them. */
  readonly subgraphs?: Readonly<Record<string, Subgraph>>;
  readonly nodes: Readonly<Record<string, GraphNode>>;
}

export function emptyDocument(title: string): GraphDocument {
  return { format: FORMAT, version: VERSION, title, nodes: {} };
}

/** The value of an own property: names in graphs come from strangers, and may be `constructor`. */
export function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
