import type { GraphDocument } from '../../graphs/document/document.ts';
import { INPUTS, OUTPUTS } from '../../graphs/document/levels.ts';
import { connect, disconnect, findRefusal } from '../../graphs/edit/edit.ts';
import type { Arrived } from '../../graphs/edit/rewire.ts';
import { addInput, addOutput } from '../../graphs/edit/subgraphs.ts';
import type { GraphState } from '../state/graph.ts';
import { findCurrentSubgraph } from '../state/graph.ts';

/** The socket at which a wire becomes a new port of the subgraph. No port has such a name. */
export const NEW_PORT = '+';

/** Why a wire that is drawn on the canvas cannot be, in a sentence, or undefined where it can. */
export function explainRefusal({ document, cards }: GraphState, { wire, node, name }: Arrived): string | undefined {
  const isNew = wire[1] === NEW_PORT || name === NEW_PORT;
  const isThrough = document.nodes[wire[0]]?.type === INPUTS && document.nodes[node]?.type === OUTPUTS;
  if (isNew) return isThrough ? '' : undefined;
  return findRefusal(document, cards, wire, node, name)?.message;
}

/** The level with a wire that was drawn on the canvas, in the place of another one where `instead` is given. */
export function joinWire(state: GraphState, { wire, node, name }: Arrived, instead?: Arrived): GraphDocument {
  const { document, cards } = state;
  const before = instead ? disconnect(document, instead.node, instead.name, instead.wire) : document;
  const inside = findCurrentSubgraph(state);
  if (inside !== undefined && wire[1] === NEW_PORT) return addInput(before, cards, inside, wire[0], node, name);
  if (inside !== undefined && name === NEW_PORT) return addOutput(before, cards, inside, wire, node);
  return connect(before, cards, wire, node, name);
}
