import type { NodeCard } from '../../nodes/card.ts';
import { messages } from '../state/messages.ts';
import type { Choice } from './ChoiceList.tsx';

/** The MIME type of a node type dragged from the list of nodes to the canvas. */
export const CARD_DRAG_TYPE = 'application/x-noiseloom-node';

/** A node that can be added, as a choice of a search. */
export function describeCardChoice({ type, title, summary }: NodeCard): Choice {
  const group = type.slice(0, type.indexOf('/'));
  return { key: type, label: title, detail: summary, group: messages.groups[group] ?? group };
}
