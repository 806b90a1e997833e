import type { GraphDocument } from '../../graphs/document/document.ts';
import * as levels from '../../graphs/document/levels.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import { spellName } from './format.ts';
import { language, messages, nodeTexts } from './messages.ts';

/*
 * What nodes say of themselves, in the language of the window.
 */

/** The card of an engine's node in the language of the window; as it is where the language has no texts for it. */
export function translateCard(card: NodeCard): NodeCard {
  const [title = card.title, summary = card.summary] = nodeTexts.cards[card.type] ?? [];
  return { ...card, title, summary };
}

/** The cards of a level as `levels.levelCards` gives them, those of reroutes, subgraphs and ports in the same language. */
export function levelCards(document: GraphDocument, library: Cards, name?: string): Cards {
  const cards = levels.levelCards(document, library, name);
  if (language === 'en') return cards;
  const known = translated.get(cards);
  if (known?.language === language) return known.cards;
  const all = new Map(
    [...cards].map(([type, card]) => [type, library.has(type) ? card : translateLevelCard(card, document)]),
  );
  translated.set(cards, { language, cards: all });
  return all;
}
const translated = new WeakMap<Cards, { readonly language: string; readonly cards: Cards }>();

function translateLevelCard(card: NodeCard, { subgraphs }: GraphDocument): NodeCard {
  const { nodes } = messages;
  if (levels.isReroute(card))
    return { ...card, title: nodes.reroute, summary: nodes.rerouteSummary(spellName(card.outputs.value?.type ?? '')) };
  if (card.type === levels.INPUTS) return { ...card, title: nodes.inputs, summary: nodes.inputsSummary };
  if (card.type === levels.OUTPUTS) return { ...card, title: nodes.outputs, summary: nodes.outputsSummary };
  const inside = subgraphs?.[levels.subgraphOf(card) ?? '']?.nodes ?? {};
  return { ...card, summary: nodes.subgraphSummary(Object.keys(inside).length) };
}
