import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { type Connection, type ReactFlowProps, useReactFlow, useStoreApi } from 'reactflow';
import { disconnect } from '../../graphs/edit/edit.ts';
import { findSocketType } from '../level/fitting.ts';
import { explainRefusal, joinWire, NEW_PORT } from '../level/joining.ts';
import { type Editor, useEditor } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { type FlowEdge, type FlowNode, holdEnd, readConnection } from './flow.ts';

type Gestures = Partial<ReactFlowProps<FlowNode, FlowEdge>>;

/** Drawing a wire from a socket and moving the end of a wire. `type` is what the wire in the hand carries. */
export function useWireGestures(): { readonly gestures: Gestures; readonly type: string | undefined } {
  const editor = useEditor();
  const flow = useReactFlow<FlowNode, FlowEdge>();
  const escaped = useEscapableWire();
  const isReconnecting = useRef(false);
  const [type, setType] = useState<string>();
  const gestures = useMemo(() => {
    const { graph, view } = editor;
    return {
      ...joinBy(editor, escaped, isReconnecting),
      onConnectStart(_event, { nodeId, handleId, handleType }) {
        const { document, cards } = graph.getState();
        if (!nodeId || !handleId || !handleType) return;
        setType(findSocketType(document, cards, holdEnd(nodeId, handleId, handleType)) ?? 'any');
      },
      onConnectEnd(event, { fromHandle, toHandle }) {
        setType(undefined);
        if (!fromHandle?.id || fromHandle.id === NEW_PORT || toHandle) return;
        if (isReconnecting.current || escaped.current) return;
        const { clientX, clientY } = 'changedTouches' in event ? event.changedTouches[0]! : event;
        const screen = { x: clientX, y: clientY };
        const from = holdEnd(fromHandle.nodeId, fromHandle.id, fromHandle.type);
        view.setState({ overlay: { kind: 'addNode', at: flow.screenToFlowPosition(screen), screen, from } });
      },
    } satisfies Gestures;
  }, [editor, flow, escaped]);
  return { gestures, type };
}

/** What joins and parts sockets, unless the wire was let go of. */
function joinBy(
  { graph }: Editor,
  escaped: RefObject<boolean>,
  isReconnecting: RefObject<boolean>,
): Pick<Gestures, 'isValidConnection' | 'onConnect' | 'onReconnect' | 'onReconnectStart' | 'onReconnectEnd'> {
  return {
    isValidConnection(connection: Connection | FlowEdge) {
      const arrived = readConnection(connection);
      return arrived !== undefined && explainRefusal(graph.getState(), arrived) === undefined;
    },
    onConnect(connection) {
      const arrived = readConnection(connection);
      if (arrived && !escaped.current) editGraph(graph, () => joinWire(graph.getState(), arrived));
    },
    onReconnectStart() {
      isReconnecting.current = true;
    },
    onReconnect(old, connection) {
      const [from, to] = [readConnection(old), readConnection(connection)];
      if (from && to && !escaped.current) editGraph(graph, () => joinWire(graph.getState(), to, from));
    },
    onReconnectEnd(_event, edge, _side, { toHandle }) {
      isReconnecting.current = false;
      const from = readConnection(edge);
      if (!toHandle && from && !escaped.current)
        editGraph(graph, (document) => disconnect(document, from.node, from.name, from.wire));
    },
  };
}

/**
 * Lets go of the wire in the hand when Escape is pressed: for React Flow the button of the pointer is released, but what
 * comes of that is to be ignored while the ref is true.
 */
function useEscapableWire(): RefObject<boolean> {
  const store = useStoreApi();
  const escaped = useRef(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !store.getState().connection.inProgress) return;
      event.stopPropagation(); // what is selected stays so
      escaped.current = true;
      document.dispatchEvent(new MouseEvent('mouseup'));
      escaped.current = false;
    };
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  }, [store]);
  return escaped;
}
