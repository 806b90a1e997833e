import { useConnection } from 'reactflow';
import { explainRefusal } from '../level/joining.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { readConnection } from './flow.ts';

/** Explains beside the cursor why the socket under it does not accept the wire being drawn. */
export function Refusal() {
  const { graph } = useEditor();
  const connection = useConnection();
  if (!connection.inProgress) return null;
  const { fromHandle, toHandle, pointer, isValid } = connection;
  if (!toHandle || isValid) return null;
  const [source, target] = fromHandle.type === 'source' ? [fromHandle, toHandle] : [toHandle, fromHandle];
  const arrived = readConnection({
    source: source.nodeId,
    sourceHandle: source.id ?? null,
    target: target.nodeId,
    targetHandle: target.id ?? null,
  });
  const isSameSide = fromHandle.type === toHandle.type;
  const refusal = arrived && !isSameSide ? explainRefusal(graph.getState(), arrived) : undefined;
  const text = isSameSide ? messages.canvas.sameSide(fromHandle.type) : refusal;
  if (!text) return null;
  return (
    <p className="refusal" role="status" style={{ left: pointer.x + 16, top: pointer.y + 16 }}>
      {text}
    </p>
  );
}
