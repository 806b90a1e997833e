import { useMemo } from 'react';
import type { ReactFlowProps } from 'reactflow';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { moveNodes } from '../../graphs/edit/edit.ts';
import { insertIntoWire, listWires } from '../../graphs/edit/rewire.ts';
import { boundNodes } from '../commands/selected.ts';
import { makeRoom } from '../level/makeRoom.ts';
import { type Editor, useEditor } from '../state/editor.ts';
import { editGraph, endGroup, type GraphState } from '../state/graph.ts';
import { type FlowEdge, type FlowNode, readFlowId } from './flow.ts';
import { nameMove } from './moving.ts';

type DragEvent = MouseEvent | TouchEvent | React.MouseEvent;

/** Puts a loose node into the wire that it is dropped on; while it is dragged over one, that wire is marked. */
export function useInsertion(): Pick<ReactFlowProps<FlowNode, FlowEdge>, 'onNodeDrag' | 'onNodeDragStop'> {
  const editor = useEditor();
  return useMemo(() => {
    const { graph } = editor;
    let marked: Element | undefined;
    const mark = (wire: Element | undefined) => {
      marked?.classList.remove('receiving');
      wire?.classList.add('receiving');
      marked = wire;
    };
    return {
      onNodeDrag(event: DragEvent, dragged: FlowNode) {
        mark(findInsertion(graph.getState(), event, dragged)?.element);
      },
      onNodeDragStop(event: DragEvent, dragged: FlowNode) {
        mark(undefined);
        const found = findInsertion(graph.getState(), event, dragged);
        if (found)
          editGraph(graph, () => withRoom(editor, found.inserted, dragged.id), nameMove([readFlowId(dragged.id)]));
        endGroup(graph);
      },
    };
  }, [editor]);
}

/** The level after the nodes that one lies over have made room for it. */
function withRoom(editor: Editor, level: GraphDocument, id: string): GraphDocument {
  const others = Object.keys(level.nodes).filter((other) => other !== id);
  const pushed = makeRoom(
    boundNodes(editor, [id]),
    new Map(others.map((other) => [other, boundNodes(editor, [other])])),
  );
  return moveNodes(level, Object.fromEntries(pushed));
}

/** What comes of dropping a loose node where the pointer is: the wire there, and the level with the node in it. */
function findInsertion(
  { document: level, cards }: GraphState,
  event: DragEvent,
  { id, type }: FlowNode,
): { readonly element: Element; readonly inserted: GraphDocument } | undefined {
  const isLoose =
    Object.values(level.nodes[id]?.inputs ?? {}).every((wires) => wires.length === 0) &&
    listWires(level).every(({ wire }) => wire[0] !== id);
  if (type !== 'card' || !isLoose || !('clientX' in event)) return undefined;
  for (const under of document.elementsFromPoint(event.clientX, event.clientY)) {
    const element = under.closest('.react-flow__edge');
    const item = element && readFlowId(element.getAttribute('data-id') ?? '');
    const inserted = item?.kind === 'wire' ? insertIntoWire(level, cards, id, item.arrived) : undefined;
    if (element && inserted) return { element, inserted };
  }
  return undefined;
}
