import { createContext, useContext, useMemo } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { DesktopApi } from '../../electron/host/ipc.ts';
import { subgraphOf } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { type GraphState, type GraphStore, wholeId } from './graph.ts';
import { resultInside } from './results.ts';
import { type NodeResult, type NodeRun, type RunState, type RunStore, runInside, shownRun } from './run.ts';
import type { Selection } from './selection.ts';
import type { Shell } from './shell.ts';
import { isStale } from './stale.ts';
import { standingProblems } from './standing.ts';
import type { TabState, TabStore } from './tabs.ts';
import type { Point, ViewState, ViewStore } from './view.ts';

/** What the canvas can be asked to do by those who do not draw it. */
export interface CanvasView {
  /** Shows these items, or the whole level. */
  fit(items?: Selection): void;
  zoom(factor: number): void;
  /** Brings a node to the middle, large enough to be read, unless it is seen so already. */
  reveal(id: string): void;
  /** The part of the canvas that is seen. */
  seen(): { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
  pointer(): Point;
  screenOf(place: Point): Point;
  /** The place on the canvas of a point of the screen. */
  placeAt(screen: Point): Point;
  /** Width and height that a node has on the canvas. */
  sizeOf(id: string): { readonly width: number; readonly height: number };
}

/** The state of the window: what commands and components share. */
export interface Editor {
  readonly desktop: DesktopApi;
  readonly takeFile: Shell['takeFile'];
  readonly graph: GraphStore;
  readonly runs: RunStore;
  readonly view: ViewStore;
  readonly tabs: TabStore;
  /** Undefined while it starts. */
  engine: QueuedEngine | undefined;
  /** Undefined while the canvas is not on the screen. */
  canvas: CanvasView | undefined;
}

export const EditorContext = createContext<Editor | undefined>(undefined);

export function useEditor(): Editor {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error('There is no editor around this component.');
  return editor;
}

export function useGraph<Value>(select: (state: GraphState) => Value): Value {
  return useStore(useEditor().graph, select);
}

export function useRuns<Value>(select: (state: RunState) => Value): Value {
  return useStore(useEditor().runs, select);
}

export function useTabs<Value>(select: (state: TabState) => Value): Value {
  return useStore(useEditor().tabs, select);
}

export function useView<Value>(select: (state: ViewState) => Value): Value {
  return useStore(useEditor().view, select);
}

/** What the shown run did at a node of the level that is looked at; of a subgraph, what it did at all nodes inside. */
export function useNodeRun(id: string): NodeRun | undefined {
  const called = useGraph((state) => wholeId(state, id));
  const isSubgraph = useGraph(({ document }) => subgraphOf(document.nodes[id] ?? { type: '' }) !== undefined);
  return useRuns((state) => {
    const nodes = shownRun(state)?.nodes;
    return nodes && (isSubgraph ? runInside(nodes, `${called}/`) : nodes[called]);
  });
}

/** What a node of the level that is looked at gave last, in whichever run; of a subgraph, what the nodes inside gave. */
export function useNodeResult(id: string): NodeResult | undefined {
  const called = useGraph((state) => wholeId(state, id));
  const isSubgraph = useGraph(({ document }) => subgraphOf(document.nodes[id] ?? { type: '' }) !== undefined);
  return useRuns(({ results }) => (isSubgraph ? resultInside(results, `${called}/`) : results[called]));
}

/** Whether what a node depends on is no longer what it was when it gave a result. */
export function useIsStale(id: string, result: NodeResult | undefined): boolean {
  const document = result?.document;
  return useGraph((state) => document !== undefined && isStale(document, state.whole, wholeId(state, id)));
}

/** What the shown run met and nobody has mended. */
export function useStandingProblems(): readonly Problem[] {
  const run = useRuns(shownRun);
  const whole = useGraph((state) => state.whole);
  const models = useView((state) => state.models);
  return useMemo(() => (run ? standingProblems(run, { whole }, { models }) : NONE), [run, whole, models]);
}

/** What made a node fail in the shown run, until that is mended. */
export function useFailure(id: string): Problem | undefined {
  const problem = useNodeRun(id)?.problem;
  const run = useRuns((state) => (problem ? shownRun(state) : undefined));
  const models = useView((state) => (problem ? state.models : undefined));
  return useGraph(({ whole }) => {
    if (!problem || !run) return undefined;
    return standingProblems({ ...run, problems: [problem] }, { whole }, { models })[0];
  });
}

/** What is wrong with a node of the level that is looked at, or inside it. */
export function useNodeProblems(id: string): readonly Problem[] {
  return useGraph(
    useShallow((state) => {
      if (state.told.length === 0) return NONE;
      const called = wholeId(state, id);
      return state.told.filter(({ at }) => at.node === called || at.node?.startsWith(`${called}/`));
    }),
  );
}
const NONE: readonly Problem[] = [];
