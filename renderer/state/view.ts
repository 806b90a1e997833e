import { createStore, type StoreApi } from 'zustand/vanilla';
import type { About, Draft, EngineState, ModelList, NativeSetUp, Preferences, Pull } from '../../electron/host/ipc.ts';
import type { Wire } from '../../graphs/document/document.ts';
import { type CanvasItem, isSameItem, nodeItems, type Selection } from './selection.ts';
import type { ViewedImage } from './viewedImages.ts';

export type SidePanel = 'nodes' | 'templates' | 'models' | 'files';
export type Overlay =
  | { readonly kind: 'commands' }
  | { readonly kind: 'findNode' }
  /** The search for a wire from or to a node. */
  | { readonly kind: 'connect'; readonly node: string; readonly screen: Point }
  /** An image was dropped that carries a graph: which of the two is meant. */
  | { readonly kind: 'dropped'; readonly name: string; open(): void; load(): void }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'about' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'saveAs' }
  | { readonly kind: 'closing' }
  /** What a run wrote down of itself. */
  | { readonly kind: 'log'; readonly folder: string }
  /** Images of a node, one of them large. */
  | {
      readonly kind: 'viewer';
      readonly title: string;
      readonly images: readonly ViewedImage[];
      readonly shown: number;
    }
  | { readonly kind: 'discard'; readonly proceed: () => void }
  /** The search for a node to add, at a place of the canvas, perhaps at the loose end of a wire. */
  | { readonly kind: 'addNode'; readonly at: Point; readonly screen: Point; readonly from?: LooseEnd };

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A wire in the hand: from an output, or from an input or a param. */
export type LooseEnd =
  | { readonly side: 'source'; readonly wire: Wire }
  | { readonly side: 'target'; readonly node: string; readonly name: string };

/** What can be given a name or a text on the canvas or in the title bar. */
export type Named = Exclude<CanvasItem, { readonly kind: 'wire' }> | { readonly kind: 'graph' };

export interface Notice {
  readonly id: number;
  /** A warning of the shell outlasts the graph and the run. */
  readonly kind: 'note' | 'failure' | 'warning';
  readonly text: string;
  readonly action?: { readonly label: string; readonly perform: () => void };
  /** The run that failed with it: the notice leaves when that is mended. */
  readonly run?: string;
}

/** What is looked at: never part of a graph, and not undone. */
export interface ViewState {
  readonly page: 'graph' | 'runs' | 'form';
  readonly selection: Selection;
  readonly side: SidePanel | undefined;
  readonly inspector: boolean;
  readonly problems: boolean;
  readonly queue: boolean;
  /** Where each level was looked at last, by its name (see `levelName`). */
  readonly viewports: Readonly<Record<string, { readonly x: number; readonly y: number; readonly zoom: number }>>;
  /** Whether the canvas is looked at from so far that nodes cannot be read. */
  readonly far: boolean;
  readonly minimap: boolean;
  readonly snap: boolean;
  readonly overlay: Overlay | undefined;
  readonly notices: readonly Notice[];
  /** What the param does that is pointed at or written in. */
  readonly help: string | undefined;
  readonly engine: EngineState;
  readonly theme: 'system' | 'light' | 'dark';
  /** What is being named: the title of a node, a frame or the graph, or the text of a note. */
  readonly naming: Named | undefined;
  /** The run folder that is looked at, and the one it is compared with. */
  readonly folder: string | undefined;
  readonly compared: string | undefined;
  /** What the shell said of itself. */
  readonly about: About | undefined;
  readonly device: Preferences['device'];
  readonly previews: boolean;
  readonly autosave: boolean;
  readonly language: Preferences['language'];
  /** The language that the window speaks; undefined until its texts are there. */
  readonly spoken: Exclude<Preferences['language'], 'system'> | undefined;
  readonly memoryShare: number;
  /** The models of this machine; undefined until the shell said. */
  readonly models: ModelList | undefined;
  /** Downloads of models by name. */
  readonly pulls: Readonly<Record<string, Pull>>;
  /** The download of native TensorFlow, if there was one. */
  readonly native: NativeSetUp | undefined;
  /** Graphs that were not saved and that no tab shows. */
  readonly drafts: readonly Draft[];
  /** Whether the user said that the window may close although a run goes on. */
  readonly leaving: boolean;
  /** How many runs ended in this window: lists of run folders are read again when it grows. */
  readonly finished: number;
}

export type ViewStore = StoreApi<ViewState>;

export function createViewStore(): ViewStore {
  return createStore<ViewState>(() => ({
    page: 'graph',
    selection: [],
    side: undefined,
    inspector: false,
    problems: false,
    queue: false,
    viewports: {},
    far: false,
    minimap: true,
    snap: true,
    overlay: undefined,
    notices: [],
    help: undefined,
    engine: { state: 'starting' },
    theme: 'system',
    naming: undefined,
    folder: undefined,
    compared: undefined,
    about: undefined,
    device: 'auto',
    previews: true,
    autosave: false,
    language: 'system',
    spoken: undefined,
    memoryShare: 0.5,
    models: undefined,
    pulls: {},
    native: undefined,
    drafts: [],
    leaving: false,
    finished: 0,
  }));
}

/** Selects these items and nothing else. */
export function select(store: ViewStore, selection: Selection): void {
  const { selection: old } = store.getState();
  if (selection.length === old.length && selection.every((item, i) => isSameItem(item, old[i]!))) return;
  store.setState({ selection });
}

export function selectNodes(store: ViewStore, ids: Iterable<string>): void {
  select(store, nodeItems(ids));
}

let notices = 0;

/** Shows a notice at the edge of the window; the oldest of more than three goes. */
export function notify(store: ViewStore, notice: Omit<Notice, 'id'>): void {
  const added = { ...notice, id: ++notices };
  store.setState(({ notices }) => ({
    notices: [...notices.filter(({ text }) => text !== notice.text), added].slice(-3),
  }));
}

/** Drops what was said of the graph or the run before this one. */
export function clearNotices(store: ViewStore): void {
  store.setState(({ notices }) => ({ notices: notices.filter(({ kind }) => kind === 'warning') }));
}

export function dismiss(store: ViewStore, id: number): void {
  store.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}
