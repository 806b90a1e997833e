import type { Cards, InputPort, NodeCard, OutputPort } from '../../nodes/card.ts';
import type { Param } from '../../nodes/params.ts';
import type { PortType } from '../../nodes/ports.ts';
import { type GraphDocument, type GraphNode, limits, own, type Subgraph, type Wire } from './document.ts';
import { arrivalAt } from './wires.ts';

/*
 * A graph has levels: its top, and the inside of each subgraph. Each level is shown, checked and edited as a document
 * with its own cards: those of the library, one per subgraph, and inside a subgraph those of its Inputs and Outputs.
 */

/** Type of the node inside a subgraph whose outputs are the subgraph's inputs. */
export const INPUTS = 'graph/inputs';
/** Type of the node inside a subgraph whose inputs are the subgraph's outputs. */
export const OUTPUTS = 'graph/outputs';

export function isBoundary({ type }: Pick<GraphNode, 'type'>): boolean {
  return type === INPUTS || type === OUTPUTS;
}

/** Type of a reroute: a dot on a wire of type `type`. It passes values on and is removed before the graph runs. */
export function rerouteType(type: PortType): string {
  return `reroute/${type}`;
}

export function isReroute({ type }: Pick<GraphNode, 'type'>): boolean {
  return type.startsWith('reroute/');
}

/** Name of the subgraph that a node uses; undefined for other nodes. */
export function subgraphOf({ type }: Pick<GraphNode, 'type'>): string | undefined {
  return type.startsWith('subgraph/') ? type.slice('subgraph/'.length) : undefined;
}

/** Name of the subgraph at the end of a path of node ids from the top; undefined if there is none. */
export function subgraphAt(document: GraphDocument, path: readonly string[]): string | undefined {
  let { nodes } = document;
  let name: string | undefined;
  for (const id of path) {
    const node = own(nodes, id);
    name = node && subgraphOf(node);
    const subgraph = name === undefined ? undefined : own(document.subgraphs ?? {}, name);
    if (!subgraph) return undefined;
    nodes = subgraph.nodes;
  }
  return name;
}

/** The node at the end of a path of ids, from the top. */
export function nodeAt(document: GraphDocument, path: readonly string[]): GraphNode | undefined {
  const around = path.slice(0, -1);
  const name = subgraphAt(document, around);
  if (around.length > 0 && name === undefined) return undefined;
  return own(levelOf(document, name).nodes, path.at(-1) ?? '');
}

/** The inside of a subgraph as a document, which holds all subgraphs as well; without a name the document itself. */
export function levelOf(document: GraphDocument, name?: string): GraphDocument {
  if (name === undefined) return document;
  const subgraph = own(document.subgraphs ?? {}, name);
  if (!subgraph) return document;
  const { notes: _notes, frames: _frames, ...rest } = document;
  const { title, notes, frames, nodes } = subgraph;
  return { ...rest, title, ...(notes ? { notes } : {}), ...(frames ? { frames } : {}), nodes };
}

/** Replaces a level of a document. */
export function withLevel(document: GraphDocument, name: string | undefined, level: GraphDocument): GraphDocument {
  if (name === undefined) return level;
  const { notes: _notes, frames: _frames, ...kept } = own(level.subgraphs ?? {}, name) as Subgraph;
  const { title, notes, frames, nodes } = level;
  const subgraph = { ...kept, title, ...(notes ? { notes } : {}), ...(frames ? { frames } : {}), nodes };
  return { ...document, subgraphs: { ...level.subgraphs, [name]: subgraph } };
}

/** The cards of a level: the top's, or those inside the subgraph `name`. Cards that cannot be read are left out. */
export function levelCards(document: GraphDocument, cards: Cards, name?: string): Cards {
  const known = withSubgraphs(withReroutes(cards), document.subgraphs);
  const subgraph = name === undefined ? undefined : own(document.subgraphs ?? {}, name);
  if (name === undefined || !subgraph) return known;
  const levels = inside.get(known) ?? new Map<string, Cards>();
  inside.set(known, levels);
  const cardsInside =
    levels.get(name) ?? new Map([...known, [INPUTS, inputsCard(subgraph)], [OUTPUTS, outputsCard(subgraph)]]);
  levels.set(name, cardsInside);
  return cardsInside;
}

/** The cards inside each subgraph, by the cards around it, which belong to one document. */
const inside = new WeakMap<Cards, Map<string, Cards>>();

const rerouted = new WeakMap<Cards, Cards>();

function withReroutes(cards: Cards): Cards {
  const done = rerouted.get(cards);
  if (done) return done;
  const all = new Map(cards);
  for (const { outputs } of cards.values()) {
    for (const { type } of Object.values(outputs))
      all.set(rerouteType(type), all.get(rerouteType(type)) ?? reroute(type));
  }
  rerouted.set(cards, all);
  return all;
}

function reroute(type: PortType): NodeCard {
  return {
    type: rerouteType(type),
    version: 1,
    title: 'Reroute',
    summary: `Bends or forks a wire of type ${type}.`,
    inputs: { value: { type, count: 'one' } },
    params: {},
    outputs: { value: { type, list: false } },
  };
}

const grown = new WeakMap<Cards, { readonly subgraphs: GraphDocument['subgraphs']; readonly cards: Cards }>();

function withSubgraphs(cards: Cards, subgraphs: GraphDocument['subgraphs']): Cards {
  if (!subgraphs) return cards;
  const last = grown.get(cards);
  if (last?.subgraphs === subgraphs) return last.cards;
  const all = new Map(cards);
  const begun = new Set<string>();
  const add = (name: string, depth: number) => {
    const subgraph = own(subgraphs, name);
    if (!subgraph || begun.has(name) || depth > limits.nesting) return;
    begun.add(name);
    for (const node of Object.values(subgraph.nodes)) {
      const inner = subgraphOf(node);
      if (inner !== undefined) add(inner, depth + 1);
    }
    all.set(`subgraph/${name}`, describeSubgraph(name, subgraph, all));
  };
  for (const name of Object.keys(subgraphs)) add(name, 0);
  grown.set(cards, { subgraphs, cards: all });
  return all;
}

/**
 * The card of the nodes that stand for a subgraph. A port that leads only to params inside is a param itself, with the
 * value inside as its initial one; any other port is an input that wants what the nodes inside want.
 */
function describeSubgraph(name: string, subgraph: Subgraph, cards: Cards): NodeCard {
  const inputs: Record<string, InputPort> = {};
  const params: Record<string, Param> = {};
  const places = placesBehind(subgraph, cards);
  for (const port of Object.keys(subgraph.inputs).sort()) {
    const behind = places.get(port) ?? [];
    const first = behind[0];
    if (first?.param && behind.every(({ param }) => param)) {
      params[port] = (first.value === undefined ? first.param : { ...first.param, initial: first.value }) as Param;
    } else inputs[port] = describeInput(subgraph.inputs[port]!, behind);
  }
  const outputs: Record<string, OutputPort> = {};
  for (const port of Object.keys(subgraph.outputs).sort()) {
    const [source, output] = findResult(subgraph, port) ?? ['', ''];
    const given = own(cards.get(own(subgraph.nodes, source)?.type ?? '')?.outputs ?? {}, output);
    outputs[port] = { type: subgraph.outputs[port]!, list: given?.list ?? false };
  }
  const count = Object.keys(subgraph.nodes).length;
  const summary = `A subgraph of ${count} nodes.`;
  return { type: `subgraph/${name}`, version: 1, title: subgraph.title || name, summary, inputs, params, outputs };
}

/** Where a port leads to inside: an input of a node, with the wires beside it, or a param with its value. */
interface Place {
  readonly input?: InputPort;
  readonly others: number;
  readonly param?: Param;
  readonly value?: unknown;
}

function placesBehind({ nodes }: Subgraph, cards: Cards): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const node of Object.values(nodes)) {
    const card = cards.get(node.type);
    for (const [name, wires] of Object.entries(node.inputs)) {
      const arrival = card && arrivalAt(card, name);
      if (!arrival) continue;
      for (const [source, port] of wires) {
        if (own(nodes, source)?.type !== INPUTS) continue;
        const behind = places.get(port) ?? [];
        behind.push({ ...arrival, others: wires.length - 1, value: own(node.params, name) });
        places.set(port, behind);
      }
    }
  }
  return places;
}

function describeInput(type: PortType, places: readonly Place[]): InputPort {
  const fewest = (place: Place) =>
    place.input?.count === 'one' ? 1 : Math.max(0, (place.input?.min ?? 0) - place.others);
  const least = Math.max(0, ...places.map(fewest));
  if (places.length > 0 && places.every(({ input }) => input?.count === 'many'))
    return { type, count: 'many', ...(least > 0 ? { min: least } : {}) };
  return { type, count: least > 0 ? 'one' : 'optional' };
}

/** The wire inside a subgraph that feeds one of its outputs. */
export function findResult({ nodes }: Pick<Subgraph, 'nodes'>, port: string): Wire | undefined {
  const known = results.get(nodes);
  if (known) return known.get(port);
  const wires = new Map<string, Wire>();
  for (const node of Object.values(nodes)) {
    if (node.type !== OUTPUTS) continue;
    for (const [name, [wire]] of Object.entries(node.inputs)) if (wire && !wires.has(name)) wires.set(name, wire);
  }
  results.set(nodes, wires);
  return wires.get(port);
}
const results = new WeakMap<Subgraph['nodes'], ReadonlyMap<string, Wire>>();

function inputsCard({ inputs }: Subgraph): NodeCard {
  const outputs = Object.entries(inputs).map(([port, type]): [string, OutputPort] => [port, { type, list: false }]);
  const summary = 'The inputs of this subgraph.';
  const shape = { inputs: {}, params: {}, outputs: Object.fromEntries(outputs) };
  return { type: INPUTS, version: 1, title: 'Inputs', summary, ...shape };
}

function outputsCard({ outputs }: Subgraph): NodeCard {
  const inputs = Object.entries(outputs).map(([port, type]): [string, InputPort] => [port, { type, count: 'one' }]);
  const summary = 'The outputs of this subgraph.';
  const shape = { inputs: Object.fromEntries(inputs), params: {}, outputs: {} };
  return { type: OUTPUTS, version: 1, title: 'Outputs', summary, ...shape };
}
