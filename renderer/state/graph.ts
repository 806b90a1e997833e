import { createStore, type StoreApi } from 'zustand/vanilla';
import { checkGraph } from '../../graphs/document/check.ts';
import { checkSubgraphs } from '../../graphs/document/checkSubgraphs.ts';
import { emptyDocument, type GraphDocument } from '../../graphs/document/document.ts';
import { levelOf, subgraphAt, withLevel } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import { findMissingUses } from './modelUses.ts';
import { levelCards } from './nodeCards.ts';

/** The number of undo steps kept. */
export const UNDO_STEPS = 200;

/** The graph that is being edited. Documents are immutable and share what did not change, so each step costs little. */
export interface GraphState {
  /** What lies in the file. */
  readonly whole: GraphDocument;
  /** The nodes, one inside the other, whose subgraph is being edited; empty at the top. */
  readonly path: readonly string[];
  /** What is being edited: the whole, or the inside of a subgraph as a document of its own. */
  readonly document: GraphDocument;
  readonly past: readonly GraphDocument[];
  readonly future: readonly GraphDocument[];
  /** What the last edit was part of: a further edit of the same group makes no new step. */
  readonly group: string | undefined;
  /** The whole document as it lies in its file; another one is unsaved work. */
  readonly saved: GraphDocument;
  /** Where it lies; undefined for what was never saved. */
  readonly location: string | undefined;
  /** For titles. */
  readonly name: string;
  /** Names the draft of this document, see `DesktopApi.writeDraft`. */
  readonly draft: string;
  /** The nodes of the engine. */
  readonly library: Cards;
  /** The nodes that can be at this level: those of the engine, reroutes, subgraphs and their ports. */
  readonly cards: Cards;
  /** Models that the document names and that are not on this machine. */
  readonly missing: readonly string[];
  /** What is wrong with the whole document; empty until the cards are known. */
  readonly problems: readonly Problem[];
  /** Nodes that were added since the last run or check, by their ids in runs: what they want is not told yet. */
  readonly fresh: ReadonlySet<string>;
  /** The problems that are told: those of fresh nodes wait until the graph is run or checked. */
  readonly told: readonly Problem[];
}

export interface DocumentPlace {
  readonly name: string;
  readonly location?: string | undefined;
  readonly draft: string;
  /** Whether it holds work that lies in no file. */
  readonly unsaved?: boolean;
}

export type GraphStore = StoreApi<GraphState>;

const NO_NODES: ReadonlySet<string> = new Set();

export function createGraphStore(): GraphStore {
  const document = emptyDocument('Untitled');
  return createStore<GraphState>(() => ({
    whole: document,
    path: [],
    document,
    past: [],
    future: [],
    group: undefined,
    saved: document,
    location: undefined,
    name: 'Untitled',
    draft: 'first',
    library: new Map(),
    cards: new Map(),
    missing: [],
    problems: [],
    fresh: NO_NODES,
    told: [],
  }));
}

/** Stores the engine's node cards and checks the document against them. */
export function learnCards(store: GraphStore, cards: readonly NodeCard[]): void {
  const library: Cards = new Map(cards.map((card) => [card.type, card]));
  store.setState(({ whole, path, missing, fresh }) => ({
    library,
    ...openLevel(whole, path, library),
    ...findProblems(whole, library, missing, fresh),
  }));
}

/** Replaces the document and clears the undo history. */
export function openDocument(store: GraphStore, document: GraphDocument, place: DocumentPlace): void {
  store.setState(({ library }) => ({
    ...openLevel(document, [], library),
    past: [],
    future: [],
    group: undefined,
    saved: place.unsaved ? emptyDocument('') : document,
    name: place.name,
    location: place.location,
    draft: place.draft,
    missing: [],
    ...findProblems(document, library, [], NO_NODES),
  }));
}

/** Takes up a graph as it was left, with the nodes and models that are known by now. */
export function restoreGraph(store: GraphStore, left: GraphState): void {
  store.setState(({ library, missing }) => ({
    ...left,
    library,
    missing,
    ...openLevel(left.whole, left.path, library),
    ...findProblems(left.whole, library, missing, left.fresh),
  }));
}

/** Goes to the inside of a node, by the path of nodes that leads there; as far as there is such a path. */
export function lookInside(store: GraphStore, path: readonly string[]): void {
  store.setState(({ whole, library }) => ({ ...openLevel(whole, path, library), group: undefined }));
}

/** The name of the subgraph whose inside is being edited. */
export function findCurrentSubgraph({ whole, path }: GraphState): string | undefined {
  return subgraphAt(whole, path);
}

/** A name for the level being edited, unique among all levels of all graphs opened in this window. */
export function levelName({ draft, path }: GraphState): string {
  return [draft, ...path].join('/');
}

/** The id that a node of this level has in runs and problems: with the path before it. */
export function wholeId({ path }: Pick<GraphState, 'path'>, id: string): string {
  return [...path, id].join('/');
}

/**
 * Changes what is being edited by a pure edit and remembers what was before. Edits in a row with the same `group` (typing
 * in one field, a nudge by keys) are one step back. Rethrows the UserError of an edit that cannot be done; then nothing
 * has changed.
 */
export function editGraph(store: GraphStore, edit: (document: GraphDocument) => GraphDocument, group?: string): void {
  const { document, whole, path } = store.getState();
  const next = edit(document);
  if (next !== document) editWhole(store, () => withLevel(whole, subgraphAt(whole, path), next), group);
}

/** The same for edits that span several levels. */
export function editWhole(store: GraphStore, edit: (whole: GraphDocument) => GraphDocument, group?: string): void {
  const { whole, path, past, group: last, library, missing, fresh, document } = store.getState();
  const next = edit(whole);
  if (next === whole) return;
  const [endless] = next.subgraphs === whole.subgraphs ? [] : checkSubgraphs(next);
  if (endless) throw new UserError(endless.code, `${endless.message} ${endless.remedy}`);
  const continues = group !== undefined && group === last;
  const level = openLevel(next, path, library);
  store.setState({
    ...level,
    past: continues ? past : [...past, whole].slice(-UNDO_STEPS),
    future: [],
    group,
    ...findProblems(next, library, missing, withAdded(fresh, document, level)),
  });
}

/** The fresh nodes and those that an edit added to the level. */
function withAdded(
  fresh: ReadonlySet<string>,
  before: GraphDocument,
  after: Pick<GraphState, 'document' | 'path'>,
): ReadonlySet<string> {
  const added = Object.keys(after.document.nodes).filter((id) => !Object.hasOwn(before.nodes, id));
  return added.length === 0 ? fresh : new Set([...fresh, ...added.map((id) => wholeId(after, id))]);
}

/** Tells every problem from now on: the user runs or checks the graph. */
export function tellProblems(store: GraphStore): void {
  store.setState(({ problems }) => ({ fresh: NO_NODES, told: problems }));
}

/** Notes which models the document names and that are not on this machine. */
export function setMissing(store: GraphStore, missing: readonly string[]): void {
  store.setState(({ whole, library, fresh }) => ({ missing, ...findProblems(whole, library, missing, fresh) }));
}

/** Ends a group of edits: the next edit is an undo step of its own. */
export function endGroup(store: GraphStore): void {
  if (store.getState().group !== undefined) store.setState({ group: undefined });
}

export function undo(store: GraphStore): void {
  store.setState(({ whole, path, past, future, library, missing, fresh }) => {
    const before = past.at(-1);
    if (!before) return {};
    return {
      ...openLevel(before, path, library),
      past: past.slice(0, -1),
      future: [whole, ...future],
      group: undefined,
      ...findProblems(before, library, missing, fresh),
    };
  });
}

export function redo(store: GraphStore): void {
  store.setState(({ whole, path, past, future, library, missing, fresh }) => {
    const after = future[0];
    if (!after) return {};
    return {
      ...openLevel(after, path, library),
      past: [...past, whole],
      future: future.slice(1),
      group: undefined,
      ...findProblems(after, library, missing, fresh),
    };
  });
}

/** Marks a document as saved to a file. */
export function markSaved(store: GraphStore, whole: GraphDocument, place: Omit<DocumentPlace, 'draft'>): void {
  store.setState({ saved: whole, name: place.name, location: place.location, group: undefined });
}

export function isUnsaved({ whole, saved }: GraphState): boolean {
  return whole !== saved;
}

function openLevel(
  whole: GraphDocument,
  wanted: readonly string[],
  library: Cards,
): Pick<GraphState, 'whole' | 'path' | 'document' | 'cards'> {
  let path = wanted;
  while (path.length > 0 && subgraphAt(whole, path) === undefined) path = path.slice(0, -1);
  const name = subgraphAt(whole, path);
  return { whole, path, document: levelOf(whole, name), cards: levelCards(whole, library, name) };
}

function findProblems(
  document: GraphDocument,
  library: Cards,
  missing: readonly string[],
  fresh: ReadonlySet<string>,
): Pick<GraphState, 'problems' | 'fresh' | 'told'> {
  const problems =
    library.size === 0 ? [] : [...checkGraph(document, library), ...findMissingUses(document, library, missing)];
  const told = fresh.size === 0 ? problems : problems.filter(({ at }) => !isWithin(fresh, at.node));
  return { problems, fresh, told };
}

/** Whether a node, or one that it lies in, is among these. */
function isWithin(nodes: ReadonlySet<string>, id: string | undefined): boolean {
  const path = id?.split('/') ?? [];
  return path.some((_, depth) => nodes.has(path.slice(0, depth + 1).join('/')));
}
