import { createStore, type StoreApi } from 'zustand/vanilla';
import { checkGraph } from '../../graphs/check.ts';
import { emptyDocument, type GraphDocument } from '../../graphs/document.ts';
import type { Problem } from '../../graphs/errors.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';

/** How many steps back are kept. */
export const UNDO_STEPS = 200;

/** The graph that is being edited. Documents are immutable and share what did not change, so each step costs little. */
export interface GraphState {
  readonly document: GraphDocument;
  readonly past: readonly GraphDocument[];
  readonly future: readonly GraphDocument[];
  /** What the last edit was part of: a further edit of the same group makes no new step. */
  readonly group: string | undefined;
  /** The document as it lies in its file; another one is unsaved work. */
  readonly saved: GraphDocument;
  /** Where it lies; undefined for what was never saved. */
  readonly location: string | undefined;
  /** For titles. */
  readonly name: string;
  /** Names the draft of this document, see `DesktopApi.writeDraft`. */
  readonly draft: string;
  readonly cards: Cards;
  /** What is wrong with the document; empty until the cards are known. */
  readonly problems: readonly Problem[];
}

export interface GraphPlaceOf {
  readonly name: string;
  readonly location?: string | undefined;
  readonly draft: string;
  /** Whether it holds work that lies in no file. */
  readonly unsaved?: boolean;
}

export type GraphStore = StoreApi<GraphState>;

export function createGraphStore(): GraphStore {
  const document = emptyDocument('Untitled');
  return createStore<GraphState>(() => ({
    document,
    past: [],
    future: [],
    group: undefined,
    saved: document,
    location: undefined,
    name: 'Untitled',
    draft: 'first',
    cards: new Map(),
    problems: [],
  }));
}

/** Takes in what the engine knows, and checks the document by it. */
export function learnCards(store: GraphStore, cards: readonly NodeCard[]): void {
  const known: Cards = new Map(cards.map((card) => [card.type, card]));
  store.setState(({ document }) => ({ cards: known, problems: checkGraph(document, known) }));
}

/** Begins with another document, without a way back to the one before. */
export function openDocument(store: GraphStore, document: GraphDocument, place: GraphPlaceOf): void {
  store.setState(({ cards }) => ({
    document,
    past: [],
    future: [],
    group: undefined,
    saved: place.unsaved ? emptyDocument('') : document,
    name: place.name,
    location: place.location,
    draft: place.draft,
    problems: problemsOf(document, cards),
  }));
}

/**
 * Changes the document by a pure edit and remembers the one before. Edits in a row with the same `group` (typing in one
 * field, a nudge by keys) are one step back. Passes on the GraphError of an edit that cannot be done, and changes nothing.
 */
export function editGraph(store: GraphStore, edit: (document: GraphDocument) => GraphDocument, group?: string): void {
  const { document, past, group: last, cards } = store.getState();
  const next = edit(document);
  if (next === document) return;
  const continues = group !== undefined && group === last;
  store.setState({
    document: next,
    past: continues ? past : [...past, document].slice(-UNDO_STEPS),
    future: [],
    group,
    problems: problemsOf(next, cards),
  });
}

/** Ends a group of edits: the next edit is a step of its own. */
export function endGroup(store: GraphStore): void {
  if (store.getState().group !== undefined) store.setState({ group: undefined });
}

export function undo(store: GraphStore): void {
  store.setState(({ document, past, future, cards }) => {
    const before = past.at(-1);
    if (!before) return {};
    return {
      document: before,
      past: past.slice(0, -1),
      future: [document, ...future],
      group: undefined,
      problems: problemsOf(before, cards),
    };
  });
}

export function redo(store: GraphStore): void {
  store.setState(({ document, past, future, cards }) => {
    const after = future[0];
    if (!after) return {};
    return {
      document: after,
      past: [...past, document],
      future: future.slice(1),
      group: undefined,
      problems: problemsOf(after, cards),
    };
  });
}

/** Notes that a document now lies in a file. */
export function markSaved(store: GraphStore, document: GraphDocument, place: Omit<GraphPlaceOf, 'draft'>): void {
  store.setState({ saved: document, name: place.name, location: place.location, group: undefined });
}

export function isUnsaved({ document, saved }: GraphState): boolean {
  return document !== saved;
}

function problemsOf(document: GraphDocument, cards: Cards): readonly Problem[] {
  return cards.size === 0 ? [] : checkGraph(document, cards);
}
