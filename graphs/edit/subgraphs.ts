import type { Cards, PortCount } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import type { PortType } from '../../nodes/ports.ts';
import { subgraphsIn } from '../document/checkSubgraphs.ts';
import {
  emptyDocument,
  type GraphDocument,
  type GraphNode,
  own,
  type Subgraph,
  type Wire,
} from '../document/document.ts';
import {
  findResult,
  INPUTS,
  isBoundary,
  levelCards,
  levelOf,
  OUTPUTS,
  subgraphOf,
  withLevel,
} from '../document/levels.ts';
import { labelNode } from '../document/problems.ts';
import { arrivalAt, arrivalType, withWires } from '../document/wires.ts';
import { connect, freshId, renameNode } from './edit.ts';
import { moveFormInside, moveFormOutside } from './form.ts';
import { insertFragment } from './fragment.ts';

/*
 * Edits that make, dissolve and change subgraphs. Those that take cards work on one level (see `levelOf`), the others on
 * the whole document.
 */

/** Distance from the Inputs and Outputs nodes to the nodes between them, in pixels. */
const BESIDE = 288;

/**
 * Moves nodes into a new subgraph and puts one node in their place. Every outside output that they read, and every
 * output of theirs that is read outside, becomes a port of the type it carries.
 * Throws UserError `NOTHING`, `CYCLE` if a path leads from the selection through another node back into it, `UNKNOWN_TYPE` where a wire comes
 * from a node that is not known.
 */
export function makeSubgraph(
  document: GraphDocument,
  cards: Cards,
  chosen: Iterable<string>,
  title: string,
): { readonly document: GraphDocument; readonly id: string } {
  const wanted = new Set(chosen);
  const isInside = (id: string) => wanted.has(id) && !isBoundary(document.nodes[id]!);
  const inside = new Set(Object.keys(document.nodes).filter(isInside));
  if (inside.size === 0) throw new UserError('NOTHING', 'Select the nodes to put into the subgraph.');
  refuseBetween(document, cards, inside);

  const inputs = new Map<string, { readonly port: string; readonly type: PortType; readonly wire: Wire }>();
  const outputs = new Map<string, { readonly port: string; readonly type: PortType; readonly wire: Wire }>();
  const portFor = (ports: typeof inputs, wire: Wire, called: string, type: PortType) => {
    const key = `${wire[0]} ${wire[1]}`;
    const known = ports.get(key);
    if (known) return known.port;
    const port = freshPort(called, new Set([...ports.values()].map((other) => other.port)));
    ports.set(key, { port, type, wire });
    return port;
  };
  const inputsId = freshIn(inside, 'inputs');
  const outputsId = freshIn(inside, 'outputs');
  const name = freshName(document, title);
  const id = freshId(document, `subgraph/${name}`);

  const within: Record<string, GraphNode> = {};
  const around: Record<string, GraphNode> = {};
  for (const [nodeId, node] of Object.entries(document.nodes)) {
    if (inside.has(nodeId)) {
      within[nodeId] = withWires(node, (wire, arrival) => {
        if (inside.has(wire[0])) return [wire];
        const called = nameCarried(document, cards, wire, cards.get(node.type)?.inputs[arrival]?.count, arrival);
        return [[inputsId, portFor(inputs, wire, called, findWireType(document, cards, wire, nodeId, arrival))]];
      });
    } else {
      around[nodeId] = withWires(node, (wire, arrival) => {
        if (!inside.has(wire[0])) return [wire];
        const called = nameCarried(document, cards, wire, undefined, wire[1]);
        return [[id, portFor(outputs, wire, called, findWireType(document, cards, wire, nodeId, arrival))]];
      });
    }
  }

  const box = measureBox(Object.values(within));
  const bare = { version: 1, params: {} };
  within[inputsId] = { ...bare, type: INPUTS, inputs: {}, position: [box.left - BESIDE, box.top] };
  const results = [...outputs.values()].map(({ port, wire }) => [port, [wire]]);
  within[outputsId] = {
    ...bare,
    type: OUTPUTS,
    inputs: Object.fromEntries(results),
    position: [box.right + BESIDE, box.top],
  };
  const subgraph: Subgraph = {
    title,
    inputs: Object.fromEntries([...inputs.values()].map(({ port, type }) => [port, type])),
    outputs: Object.fromEntries([...outputs.values()].map(({ port, type }) => [port, type])),
    nodes: within,
  };
  const arriving = [...inputs.values()].map(({ port, wire }) => [port, [wire]]);
  around[id] = {
    ...bare,
    type: `subgraph/${name}`,
    inputs: Object.fromEntries(arriving),
    position: [Math.round((box.left + box.right) / 16) * 8, box.top],
  };
  const subgraphs = { ...document.subgraphs, [name]: subgraph };
  return { document: moveFormInside({ ...document, subgraphs, nodes: around }, inside, id), id };
}

/**
 * What a port is called by what it carries: by the title that a person gave the node the wire comes from; of several things
 * of a kind at one input, as rewards are, by the node; of what passes through a reroute by its type; else as the place says.
 */
function nameCarried(
  { nodes }: GraphDocument,
  cards: Cards,
  [source, output]: Wire,
  count: PortCount | undefined,
  place: string,
): string {
  const node = own(nodes, source);
  const card = cards.get(node?.type ?? '');
  const named = node?.title ?? (count === 'many' ? card?.title : undefined);
  const words =
    named
      ?.replace(/[^A-Za-z0-9]+/g, ' ')
      .trim()
      .split(' ')
      .slice(0, 5) ?? [];
  const [first = '', ...others] = words;
  const joined = [first.toLowerCase(), ...others.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
  if (/^[a-z]/.test(joined)) return joined;
  return place === 'value' ? (card?.outputs[output]?.type ?? place) : place;
}

/** Throws `CYCLE` if a path leads out of `inside` and back into it. */
function refuseBetween({ nodes }: GraphDocument, cards: Cards, inside: ReadonlySet<string>): void {
  const readers = new Map<string, string[]>();
  for (const [id, { inputs }] of Object.entries(nodes)) {
    for (const [source] of Object.values(inputs).flat()) readers.set(source, [...(readers.get(source) ?? []), id]);
  }
  const outside = new Set<string>();
  for (const id of inside) for (const reader of readers.get(id) ?? []) if (!inside.has(reader)) outside.add(reader);
  for (const id of outside) {
    for (const reader of readers.get(id) ?? []) {
      if (!inside.has(reader)) outside.add(reader);
      else {
        const label = labelNode(id, nodes[id]!, cards);
        const message = `${label} needs a node of the selection, and another one needs it. Select it as well.`;
        throw new UserError('CYCLE', message, { at: { node: id } });
      }
    }
  }
}

function findWireType(
  { nodes }: GraphDocument,
  cards: Cards,
  [source, output]: Wire,
  id: string,
  arrival: string,
): PortType {
  const given = own(cards.get(own(nodes, source)?.type ?? '')?.outputs ?? {}, output);
  const card = cards.get(nodes[id]!.type);
  const taken = card && arrivalAt(card, arrival);
  const type = given?.type ?? (taken && arrivalType(taken));
  if (type) return type;
  const message = `The wire from "${source}" to "${id}" joins nodes of unknown types. Leave one of them out.`;
  throw new UserError('UNKNOWN_TYPE', message, { at: { node: id } });
}

/**
 * Replaces a subgraph's node by copies of the nodes inside it, with the param values set on that node.
 * Throws UserError `UNKNOWN_TYPE` if there is no such subgraph.
 */
export function unmakeSubgraph(
  document: GraphDocument,
  id: string,
): { readonly document: GraphDocument; readonly ids: readonly string[] } {
  const { [id]: outer, ...others } = document.nodes;
  const subgraph = subgraphNamed(document, subgraphOf(outer as GraphNode));
  const inner = Object.fromEntries(Object.entries(subgraph.nodes).filter(([, node]) => !isBoundary(node)));
  const { left, top } = measureBox(Object.values(inner));
  const [x, y] = (outer as GraphNode).position;
  const fragment = { ...emptyDocument(''), ...pickMarks(subgraph), nodes: inner };
  const inserted = insertFragment({ ...document, nodes: others }, fragment, [x - left, y - top]);
  const names = new Map(Object.keys(inner).map((innerId, i) => [innerId, inserted.ids[i]!]));

  const isPort = ([source]: Wire) => own(subgraph.nodes, source)?.type === INPUTS;
  const outside = (wire: Wire): readonly Wire[] => {
    if (isPort(wire)) return own((outer as GraphNode).inputs, wire[1]) ?? [];
    const renamed = names.get(wire[0]);
    return renamed === undefined ? [] : [[renamed, wire[1]]];
  };
  const nodes: Record<string, GraphNode> = {};
  for (const [other, node] of Object.entries(inserted.document.nodes)) {
    nodes[other] = withWires(node, (wire) => {
      if (wire[0] !== id) return [wire];
      const result = findResult(subgraph, wire[1]);
      return result ? outside(result) : [];
    });
  }
  for (const [innerId, renamed] of names) {
    const node = inner[innerId]!;
    const params = { ...node.params };
    for (const [name, [wire]] of Object.entries(node.inputs)) {
      const value = wire && isPort(wire) ? own((outer as GraphNode).params, wire[1]) : undefined;
      if (value !== undefined) params[name] = value;
    }
    const { position } = nodes[renamed]!;
    nodes[renamed] = { ...withWires(node, outside), params, position };
  }
  return { document: moveFormOutside({ ...inserted.document, nodes }, id, names), ids: inserted.ids };
}

/** Titles a node. The title of a subgraph's node is the subgraph's, so all its nodes change. */
export function titleNode(level: GraphDocument, id: string, title: string): GraphDocument {
  const name = subgraphOf(own(level.nodes, id) ?? { type: '' });
  const subgraph = name === undefined ? undefined : own(level.subgraphs ?? {}, name);
  if (name === undefined || !subgraph) return renameNode(level, id, title);
  return { ...level, subgraphs: { ...level.subgraphs, [name]: { ...subgraph, title } } };
}

/** Adds an input to a subgraph and wires it to an input or param of a node inside. */
export function addInput(
  level: GraphDocument,
  cards: Cards,
  name: string,
  from: string,
  id: string,
  arrival: string,
): GraphDocument {
  const subgraph = subgraphNamed(level, name);
  const card = cards.get(own(level.nodes, id)?.type ?? '');
  const taken = card && arrivalAt(card, arrival);
  if (!taken) throw new UserError('UNKNOWN_INPUT', `Node "${id}" has no input "${arrival}".`, { at: { node: id } });
  const port = freshPort(arrival, new Set(Object.keys(subgraph.inputs)));
  const inputs = { ...subgraph.inputs, [port]: arrivalType(taken) };
  const grown = { ...level, subgraphs: { ...level.subgraphs, [name]: { ...subgraph, inputs } } };
  return connect(grown, levelCards(grown, cards, name), [from, port], id, arrival);
}

/** Adds an output to a subgraph that passes on what `wire` carries. */
export function addOutput(level: GraphDocument, cards: Cards, name: string, wire: Wire, to: string): GraphDocument {
  const subgraph = subgraphNamed(level, name);
  const given = own(cards.get(own(level.nodes, wire[0])?.type ?? '')?.outputs ?? {}, wire[1]);
  if (!given) {
    throw new UserError('UNKNOWN_OUTPUT', `Node "${wire[0]}" has no output "${wire[1]}".`, { at: { node: wire[0] } });
  }
  const port = freshPort(wire[1], new Set(Object.keys(subgraph.outputs)));
  const outputs = { ...subgraph.outputs, [port]: given.type };
  const grown = { ...level, subgraphs: { ...level.subgraphs, [name]: { ...subgraph, outputs } } };
  return connect(grown, levelCards(grown, cards, name), wire, to, port);
}

export type PortSide = 'inputs' | 'outputs';

/** Renames a port of a subgraph, inside it and on all its nodes. Takes the whole document. */
export function renamePort(
  document: GraphDocument,
  name: string,
  side: PortSide,
  port: string,
  called: string,
): GraphDocument {
  const subgraph = subgraphNamed(document, name);
  const taken = new Set(Object.keys(subgraph[side]).filter((other) => other !== port));
  if (!portPattern.test(called) || taken.has(called)) {
    const message = `A port cannot be called "${called}": use letters and digits, and a name that no other port has.`;
    throw new UserError('BAD_PORT', message);
  }
  return changePort(document, name, side, port, called);
}

/** Removes a port of a subgraph with its wires, inside it and on all its nodes. Takes the whole document. */
export function removePort(document: GraphDocument, name: string, side: PortSide, port: string): GraphDocument {
  return changePort(document, name, side, port, undefined);
}

function changePort(
  document: GraphDocument,
  name: string,
  side: PortSide,
  port: string,
  called: string | undefined,
): GraphDocument {
  const renamed = <Value>(record: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(
      Object.entries(record).flatMap(([key, value]) => {
        if (key !== port) return [[key, value]];
        return called === undefined ? [] : [[called, value]];
      }),
    );
  const rewired = (nodes: Subgraph['nodes'], isInside: boolean): Subgraph['nodes'] => {
    const gives = (node: GraphNode | undefined) =>
      side === 'inputs' ? isInside && node?.type === INPUTS : node !== undefined && subgraphOf(node) === name;
    const takes = (node: GraphNode) =>
      side === 'outputs' ? isInside && node.type === OUTPUTS : subgraphOf(node) === name;
    const changed = Object.entries(nodes).map(([id, node]): [string, GraphNode] => {
      const kept = withWires(node, (wire) => {
        if (wire[1] !== port || !gives(own(nodes, wire[0]))) return [wire];
        return called === undefined ? [] : [[wire[0], called]];
      });
      if (!takes(node)) return [id, kept];
      return [id, { ...kept, inputs: renamed(kept.inputs), params: renamed(kept.params) }];
    });
    return Object.fromEntries(changed);
  };
  const subgraphs = Object.entries(document.subgraphs ?? {}).map(([key, subgraph]): [string, Subgraph] => {
    const nodes = rewired(subgraph.nodes, key === name);
    return [key, key === name ? { ...subgraph, [side]: renamed(subgraph[side]), nodes } : { ...subgraph, nodes }];
  });
  return { ...document, subgraphs: Object.fromEntries(subgraphs), nodes: rewired(document.nodes, false) };
}

/**
 * Gives a node a copy of its subgraph if other nodes share it; returns the same document if none does. Takes the whole
 * document. Throws UserError `UNKNOWN_TYPE` if there is no such subgraph.
 */
export function ownSubgraph(document: GraphDocument, level: string | undefined, id: string): GraphDocument {
  const here = levelOf(document, level);
  const node = here.nodes[id]!;
  const name = subgraphOf(node);
  const subgraph = subgraphNamed(document, name);
  if (countUses(document, name as string) <= 1) return document;
  const fresh = freshName(document, subgraph.title);
  const nodes = { ...here.nodes, [id]: { ...node, type: `subgraph/${fresh}` } };
  return withLevel(document, level, { ...here, subgraphs: { ...here.subgraphs, [fresh]: subgraph }, nodes });
}

/** Removes a subgraph from the whole document if no node uses it. */
export function dropUnused(document: GraphDocument, name: string): GraphDocument {
  if (!document.subgraphs || countUses(document, name) > 0) return document;
  const { [name]: _unused, ...kept } = document.subgraphs;
  const { subgraphs: _all, ...rest } = document;
  return Object.keys(kept).length > 0 ? { ...rest, subgraphs: kept } : rest;
}

/** Counts the nodes of a document, on all levels, that use a subgraph. */
export function countUses(document: GraphDocument, name: string): number {
  return [document, ...Object.values(document.subgraphs ?? {})].flatMap(subgraphsIn).filter((used) => used === name)
    .length;
}

function subgraphNamed(document: GraphDocument, name: string | undefined): Subgraph {
  const subgraph = name === undefined ? undefined : own(document.subgraphs ?? {}, name);
  if (!subgraph) throw new UserError('UNKNOWN_TYPE', `The graph has no subgraph "${name}".`);
  return subgraph;
}

const portPattern = /^[A-Za-z][A-Za-z0-9]*$/;

/** An unused name for a port: `prompt`, `prompt2`, ... */
function freshPort(called: string, taken: ReadonlySet<string>): string {
  let port = called;
  for (let number = 2; taken.has(port); number++) port = `${called}${number}`;
  return port;
}

/** A name for a subgraph that none has yet, from its title: `refine-image`, `refine-image-2`, ... */
function freshName({ subgraphs = {} }: GraphDocument, title: string): string {
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return freshIn(new Set(Object.keys(subgraphs)), words || 'subgraph');
}

function freshIn(taken: ReadonlySet<string>, called: string): string {
  let name = called;
  for (let number = 2; taken.has(name); number++) name = `${called}-${number}`;
  return name;
}

function pickMarks({ notes, frames }: Subgraph): Pick<GraphDocument, 'notes' | 'frames'> {
  return { ...(notes ? { notes } : {}), ...(frames ? { frames } : {}) };
}

/** Where nodes lie; their sizes are not known here. */
function measureBox(nodes: readonly GraphNode[]) {
  const xs = nodes.map(({ position }) => position[0]);
  const ys = nodes.map(({ position }) => position[1]);
  return { left: least(xs), top: least(ys), right: -least(xs.map((x) => -x)) };
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b));
}
