import type { FromEngine, ToEngine } from '../../electron/engine/engineMessages.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import { RelayedPorts } from '../../graphs/engine/port.ts';
import { queueRuns } from '../../graphs/engine/queue.ts';
import { serveEngine } from '../../graphs/engine/remoteEngine.ts';
import { defineNode, libraryOf } from '../../nodes/defineNode.ts';
import { boolean } from '../../nodes/params.ts';
import { memoryFiles } from './memoryFiles.ts';

/* An engine's process with one node, which never gives its thread back where it is told to hang. */

const hang = defineNode({
  type: 'test/hang',
  version: 1,
  title: 'Hang',
  summary: 'Computes for ever.',
  inputs: {},
  params: { forever: boolean({ initial: true, help: 'Whether it never ends.' }) },
  outputs: { text: 'text' },
  run(_inputs, { forever }) {
    while (forever);
    return { text: 'done' };
  },
});

const device = { name: 'cpu', description: 'of a test' } as const;
const engine = queueRuns(
  createEngine({
    library: libraryOf([hang]),
    device: { ...device, memory: {} },
    files: memoryFiles({}),
    cacheBudget: 0,
  }),
);
const post = (message: FromEngine) => process.send?.(message);
const relayed = new RelayedPorts((connection, message) => post({ type: 'message', connection, message }));
process.on('disconnect', () => process.exit());
process.on('message', (message: ToEngine) => {
  if (message.type === 'start') post({ type: 'ready', device });
  else if (message.type === 'ping') post({ type: 'pong' });
  else if (message.type === 'connect') serveEngine(engine, relayed.port(message.connection));
  else if (message.type === 'message') relayed.receive(message.connection, message.message);
});
