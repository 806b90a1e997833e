import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { applyNodeChanges, type EdgeChange, type NodeChange, useStoreApi } from 'reactflow';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { select, type ViewStore } from '../state/view.ts';
import {
  applySelectChanges,
  dropEstimate,
  type FlowEdge,
  type FlowNode,
  putAtPlace,
  toFlowEdges,
  toFlowNodes,
} from './flow.ts';
import { carryWithFrames, findSettled, moveItems, nameMove } from './moving.ts';
import { useRoutes } from './useRoutes.ts';
import type { SizedViewport } from './viewport.ts';

/** The level being edited as React Flow draws it; its changes go into the graph and the selection. */
export function useLevelItems() {
  const { graph, view } = useEditor();
  const document = useGraph((state) => state.document);
  const cards = useGraph((state) => state.cards);
  const selection = useView((state) => state.selection);
  const [nodes, setNodes] = useState<readonly FlowNode[]>(() => toFlowNodes(document, cards, selection, []));
  useLayoutEffect(
    () => setNodes((before) => toFlowNodes(document, cards, selection, before)),
    [document, cards, selection],
  );
  const plain = useMemo(() => toFlowEdges(document, cards, selection), [document, cards, selection]);
  const edges = useRoutes(nodes, plain);
  const latest = useRef(nodes);
  latest.current = nodes;
  const onNodesChange = useCallback(
    (given: NodeChange<FlowNode>[]) => {
      const changes = [...given, ...carryWithFrames(given, latest.current)];
      const measured = new Set(changes.flatMap((change) => (change.type === 'dimensions' ? [change.id] : [])));
      setNodes((before) =>
        applyNodeChanges(changes, before as FlowNode[]).map((node) =>
          putAtPlace(measured.has(node.id) ? dropEstimate(node) : node),
        ),
      );
      keepSelection(view, changes);
      const settled = findSettled(changes);
      if (settled.length > 0)
        editGraph(graph, (document) => moveItems(document, settled), nameMove(settled.map(({ item }) => item)));
    },
    [graph, view],
  );
  const onEdgesChange = useCallback((changes: EdgeChange<FlowEdge>[]) => keepSelection(view, changes), [view]);
  return { nodes, edges, onNodesChange, onEdgesChange };
}

/** Carries what React Flow selected into the view. */
function keepSelection(view: ViewStore, changes: readonly (NodeChange<FlowNode> | EdgeChange<FlowEdge>)[]): void {
  const selecting = changes.flatMap((change) => (change.type === 'select' ? [change] : []));
  if (selecting.length > 0) select(view, applySelectChanges(view.getState().selection, selecting));
}

/** Hands nodes and edges to React Flow's store before its first frame: through its props they arrive one frame late. */
export function useFirstFrame(
  { x, y, zoom }: SizedViewport,
  nodes: readonly FlowNode[],
  edges: readonly FlowEdge[],
): void {
  const store = useStoreApi<FlowNode, FlowEdge>();
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (!isFirst.current) return;
    isFirst.current = false;
    store.getState().setNodes(nodes as FlowNode[]);
    store.getState().setEdges(edges as FlowEdge[]);
    store.setState({ transform: [x, y, zoom] });
  }, [store, x, y, zoom, nodes, edges]);
}
