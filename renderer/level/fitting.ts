import { type GraphDocument, own } from '../../graphs/document/document.ts';
import { isReroute } from '../../graphs/document/levels.ts';
import { arrivalAt, arrivalType } from '../../graphs/document/wires.ts';
import { addNode, freshId } from '../../graphs/edit/edit.ts';
import { type Arrived, placesFor } from '../../graphs/edit/rewire.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import type { PortType } from '../../nodes/ports.ts';
import type { LooseEnd } from '../state/view.ts';

/**
 * The nodes that a wire in the hand can go to or come from, with the type it carries; without a wire all nodes but
 * reroutes, which lie on wires.
 */
export function findFittingCards(
  document: GraphDocument,
  cards: Cards,
  from: LooseEnd | undefined,
): { readonly cards: readonly NodeCard[]; readonly type?: PortType } {
  const all = [...cards.values()];
  const type = from && findSocketType(document, cards, from);
  if (!from || !type) return { cards: all.filter((card) => !isReroute(card)) };
  if (from.side === 'target') {
    return { cards: all.filter(({ outputs }) => Object.values(outputs).some((output) => output.type === type)), type };
  }
  const fits = all.filter((card) => {
    const id = freshId(document, card.type);
    return placesFor(addNode(document, id, card, [0, 0]), cards, from.wire, id).length > 0;
  });
  const takesAsInput = ({ inputs }: NodeCard) => Object.values(inputs).some((input) => input.type === type);
  return { cards: [...fits.filter(takesAsInput), ...fits.filter((card) => !takesAsInput(card))], type };
}

/** The wires that a node can have from and to the others, besides those that it has; those to params come last. */
export function listPossibleWires(document: GraphDocument, cards: Cards, id: string): Arrived[] {
  const listOutputs = (node: string) => Object.keys(cards.get(document.nodes[node]?.type ?? '')?.outputs ?? {});
  const between = (from: string, to: string) =>
    listOutputs(from).flatMap((output) => {
      const wire = [from, output] as const;
      const there = (name: string) => document.nodes[to]?.inputs[name]?.some(([a, b]) => a === from && b === output);
      return placesFor(document, cards, wire, to).flatMap((name) => (there(name) ? [] : [{ wire, node: to, name }]));
    });
  const others = Object.keys(document.nodes).filter((other) => other !== id);
  const wires = [...others.flatMap((other) => between(id, other)), ...others.flatMap((other) => between(other, id))];
  const toInput = ({ node, name }: Arrived) => own(cards.get(document.nodes[node]?.type ?? '')?.inputs ?? {}, name);
  return [...wires.filter(toInput), ...wires.filter((wire) => !toInput(wire))];
}

/** The type of value at a socket. */
export function findSocketType({ nodes }: GraphDocument, cards: Cards, end: LooseEnd): PortType | undefined {
  const [id, name] = end.side === 'source' ? end.wire : [end.node, end.name];
  const card = cards.get(nodes[id]?.type ?? '');
  if (!card) return undefined;
  if (end.side === 'source') return card.outputs[name]?.type;
  const arrival = arrivalAt(card, name);
  return arrival && arrivalType(arrival);
}
