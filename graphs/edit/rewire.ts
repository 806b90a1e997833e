import type { Cards } from '../../nodes/card.ts';
import { type GraphDocument, own, type Wire } from '../document/document.ts';
import { rerouteType } from '../document/levels.ts';
import { arrivalAt, arrivalNames, arrivalType, passedOn } from '../document/wires.ts';
import { addNode, connect, disconnect, findRefusal, freshId, removeNodes } from './edit.ts';

/** Where a wire arrives. */
export interface Arrived {
  readonly wire: Wire;
  readonly node: string;
  readonly name: string;
}

/** Every wire of a graph. */
export function listWires(document: GraphDocument): Arrived[] {
  return Object.entries(document.nodes).flatMap(([node, { inputs }]) =>
    Object.entries(inputs).flatMap(([name, wires]) => wires.map((wire) => ({ wire, node, name }))),
  );
}

/**
 * The inputs and params of a node that the wire fits: free inputs first, then inputs that would lose another wire, then
 * params. A text also drives params that hold no text, but is not offered there.
 */
export function placesFor(document: GraphDocument, cards: Cards, wire: Wire, id: string): string[] {
  const node = own(document.nodes, id);
  const card = node && cards.get(node.type);
  if (!card) return [];
  const rank = (name: string) => {
    const input = own(card.inputs, name);
    if (!input) return 2;
    return input.count !== 'many' && own(node.inputs, name)?.length ? 1 : 0;
  };
  const type = own(cards.get(own(document.nodes, wire[0])?.type ?? '')?.outputs ?? {}, wire[1])?.type;
  return arrivalNames(card)
    .filter((name) => arrivalType(arrivalAt(card, name)!) === type && !findRefusal(document, cards, wire, id, name))
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * Puts a node into a wire: the wire arrives at the first place of the node that takes it, and the node's first output of
 * the right type goes on in its stead. Undefined where the node does not fit.
 */
export function insertIntoWire(
  document: GraphDocument,
  cards: Cards,
  id: string,
  { wire, node, name }: Arrived,
): GraphDocument | undefined {
  const target = own(document.nodes, node);
  const wanted = target && cards.get(target.type) && arrivalAt(cards.get(target.type)!, name);
  const outputs = cards.get(own(document.nodes, id)?.type ?? '')?.outputs ?? {};
  const output = wanted && Object.keys(outputs).find((port) => outputs[port]!.type === arrivalType(wanted));
  if (output === undefined || id === node || id === wire[0]) return undefined;
  const loose = disconnect(document, node, name, wire);
  const place = placesFor(loose, cards, wire, id)[0];
  if (place === undefined) return undefined;
  const half = connect(loose, cards, wire, id, place);
  if (findRefusal(half, cards, [id, output], node, name)) return undefined;
  return connect(half, cards, [id, output], node, name);
}

/** Puts a dot into a wire, at a place; the same document where the type of the wire is not known. */
export function insertReroute(
  document: GraphDocument,
  cards: Cards,
  arrived: Arrived,
  position: readonly [x: number, y: number],
): { readonly document: GraphDocument; readonly id?: string } {
  const [source, output] = arrived.wire;
  const type = own(cards.get(own(document.nodes, source)?.type ?? '')?.outputs ?? {}, output)?.type;
  const card = type && cards.get(rerouteType(type));
  if (!card) return { document };
  const id = freshId(document, 'reroute');
  const inserted = insertIntoWire(addNode(document, id, card, position), cards, id, arrived);
  return inserted ? { document: inserted, id } : { document };
}

/**
 * Removes nodes and joins what was before each with what was behind it, where the types fit: what a muted node would
 * pass on.
 */
export function removeAndRejoin(document: GraphDocument, cards: Cards, ids: Iterable<string>): GraphDocument {
  let joined = document;
  const gone = new Set(ids);
  const behind = listWires(document).filter(({ wire, node }) => gone.has(wire[0]) && !gone.has(node));
  for (const { wire, node, name } of behind) {
    const source = sourceBefore(document, cards, wire, gone);
    joined = disconnect(joined, node, name, wire);
    if (source && !findRefusal(joined, cards, source, node, name)) joined = connect(joined, cards, source, node, name);
  }
  return removeNodes(joined, gone);
}

/** Follows a wire back through nodes that go. */
function sourceBefore(document: GraphDocument, cards: Cards, wire: Wire, gone: ReadonlySet<string>): Wire | undefined {
  const seen = new Set<string>();
  let source: Wire | undefined = wire;
  while (source && gone.has(source[0])) {
    if (seen.has(source[0])) return undefined;
    seen.add(source[0]);
    source = passedOn(document, cards, source);
  }
  return source;
}
