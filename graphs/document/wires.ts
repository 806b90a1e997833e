import type { Cards, InputPort, NodeCard, OutputPort } from '../../nodes/card.ts';
import { type Param, wireTypeOf } from '../../nodes/params.ts';
import { type GraphDocument, type GraphNode, own, type Wire } from './document.ts';

/** Where a wire can arrive: an input of the node, or one of its params. */
type Arrival =
  | { readonly input: InputPort; readonly param?: never }
  | { readonly param: Param; readonly input?: never };

/** What stands at a name of a node, or undefined. */
export function arrivalAt(card: NodeCard, name: string): Arrival | undefined {
  const input = own(card.inputs, name);
  if (input) return { input };
  const param = own(card.params, name);
  return param && { param };
}

/** Where wires can arrive at a node: its inputs, then its params, as declared. */
export function arrivalNames(card: NodeCard): readonly string[] {
  const known = namesOfCard.get(card);
  if (known) return known;
  const names = [...Object.keys(card.inputs), ...Object.keys(card.params)];
  namesOfCard.set(card, names);
  return names;
}
const namesOfCard = new WeakMap<NodeCard, readonly string[]>();

/** The type of value that an input or a param takes from a wire. */
export function arrivalType({ input, param }: Arrival): OutputPort['type'] {
  return input ? input.type : wireTypeOf(param);
}

/** Whether a wire of a type can arrive: a text can also drive a param that holds no text, which reads it when it runs. */
export function takesType(arrival: Arrival, type: OutputPort['type']): boolean {
  return arrivalType(arrival) === type || (arrival.param !== undefined && type === 'text');
}

/**
 * Follows wires back through muted nodes: a muted node passes on, for each of its outputs, the first wire of its first
 * connected input of the same type. The function returned gives the wire whose node really runs, or undefined where
 * nothing comes through; it remembers, so that following all wires of a graph is linear.
 */
export function wireFollower(document: GraphDocument, cards: Cards): (wire: Wire) => Wire | undefined {
  if (!anyMuted(document)) return (wire) => wire;
  const followed = new Map<string, Wire | undefined>();
  return (wire) => {
    if (!own(document.nodes, wire[0])?.muted) return wire;
    const passed: string[] = [];
    let source: Wire | undefined = wire;
    while (source && own(document.nodes, source[0])?.muted) {
      const place = `${source[0]} ${source[1]}`;
      if (followed.has(place)) {
        source = followed.get(place);
        break;
      }
      followed.set(place, undefined); // what a cycle of muted nodes gives
      passed.push(place);
      source = passedOn(document, cards, source);
    }
    for (const place of passed) followed.set(place, source);
    return source;
  };
}

function anyMuted({ nodes }: GraphDocument): boolean {
  for (const id in nodes) if (nodes[id]!.muted) return true;
  return false;
}

/** What comes before a node that passes on: the first wire of its first connected input of the type at the output. */
export function passedOn(document: GraphDocument, cards: Cards, [id, output]: Wire): Wire | undefined {
  const node = own(document.nodes, id);
  const card = node && cards.get(node.type);
  const type = card && own(card.outputs, output)?.type;
  if (!type) return undefined;
  for (const name of Object.keys(card.inputs)) {
    const wires = own(node.inputs, name);
    if (card.inputs[name]?.type === type && wires?.[0]) return wires[0];
  }
  return undefined;
}

/** A node with each of its wires replaced by others, or by none; the same node where all stay. */
export function withWires(node: GraphNode, change: (wire: Wire, arrival: string) => readonly Wire[]): GraphNode {
  const inputs: Record<string, readonly Wire[]> = {};
  let isSame = true;
  for (const [name, wires] of Object.entries(node.inputs)) {
    const changed = wires.flatMap((wire) => change(wire, name));
    if (changed.length !== wires.length || changed.some((wire, i) => wire !== wires[i])) isSame = false;
    if (changed.length > 0) inputs[name] = changed;
  }
  return isSame ? node : { ...node, inputs };
}
