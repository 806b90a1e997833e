import { createEngine } from '../../graphs/engine/engine.ts';
import { catchOutcome } from '../../graphs/engine/outcome.ts';
import { type MessagePortLike, messagePort } from '../../graphs/engine/port.ts';
import { queueRuns } from '../../graphs/engine/queue.ts';
import { serveEngine } from '../../graphs/engine/remoteEngine.ts';
import { connectFiles } from '../../graphs/engine/remoteFiles.ts';
import { library } from '../../nodes/index.ts';
import { openDevice } from '../../nodes/ml/device.ts';
import { copyImages } from '../../nodes/ml/image/copyImages.ts';
import { lossOfDevice, webgpuPageDevice } from '../devices/webgpu/webgpuPage.ts';

/*
 * The page of the hidden window that computes by WebGPU. It has no disk and no network: files come through one port from
 * the engine's process, which is also the only one that it serves, through the other.
 */

/** What of the page this uses: electron/ is compiled without the DOM. */
interface Page {
  addEventListener(type: 'message', listener: (event: PortsMessage) => void): void;
  close(): void;
}
interface PortsMessage {
  readonly source: unknown;
  readonly data: { readonly asked: boolean };
  readonly ports: readonly [MessagePortLike, MessagePortLike] | readonly [];
}

/** Bytes of results and models to keep: a page cannot find out how much memory a graphics card has. */
const CACHE = 2 * 2 ** 30;

async function start(asked: boolean, enginePort: MessagePortLike, filesPort: MessagePortLike): Promise<void> {
  const outcome = await catchOutcome(async () => {
    if (!asked) await webgpuPageDevice.open(false); // refuses software, as `auto` does
    return openDevice('webgpu', [webgpuPageDevice]);
  });
  const { name, description } = outcome.ok ? outcome.value : { name: 'webgpu', description: '' };
  enginePort.postMessage(outcome.ok ? { ok: true, value: { name, description } } : outcome);
  if (!outcome.ok) return;
  const files = connectFiles(messagePort(filesPort));
  serveEngine(
    queueRuns(createEngine({ library, device: outcome.value, files, cacheBudget: CACHE, copyImages })),
    messagePort(enginePort),
  );
  await lossOfDevice();
  page.close(); // whoever owns this window sees that and starts another
}

const page = globalThis as unknown as Page;
page.addEventListener('message', ({ source, data, ports: [enginePort, filesPort] }) => {
  if (source === page && enginePort && filesPort) void start(data.asked, enginePort, filesPort);
});
