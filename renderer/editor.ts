import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { DesktopApi } from '../electron/ipc.ts';
import type { QueuedEngine } from '../graphs/queue.ts';
import type { GraphState, GraphStore } from './state/graph.ts';
import { type NodeRun, type RunState, type RunStore, shownRun } from './state/run.ts';
import type { Point, ViewState, ViewStore } from './state/view.ts';

/** What the canvas can be asked to do by those who do not draw it. */
export interface CanvasView {
  fit(ids?: readonly string[]): void;
  zoom(factor: number): void;
  /** The middle of what is seen, or of the pointer's last place, on the canvas. */
  centre(): Point;
  pointer(): Point;
  screenOf(place: Point): Point;
  /** Width and height that a node has on the canvas. */
  sizeOf(id: string): { readonly width: number; readonly height: number };
}

/** Everything that the window works on: what commands and components share. */
export interface Editor {
  readonly desktop: DesktopApi;
  readonly graph: GraphStore;
  readonly runs: RunStore;
  readonly view: ViewStore;
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

export function useView<Value>(select: (state: ViewState) => Value): Value {
  return useStore(useEditor().view, select);
}

/** What the shown run did at a node. */
export function useNodeRun(id: string): NodeRun | undefined {
  return useRuns((state) => shownRun(state)?.nodes[id]);
}
