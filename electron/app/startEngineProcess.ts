import { join } from 'node:path';
import { BrowserWindow, MessageChannelMain, type MessagePortMain, session, utilityProcess } from 'electron';
import type { FromEngine } from '../engine/engineMessages.ts';
import type { EngineChild } from '../host/engineHost.ts';
import { channels } from '../host/ipc.ts';
import { origins, serveFolder } from './protocol.ts';
import { hardened, lockSession } from './security.ts';

/** Starts the engine as a utility process of Electron. `built` is the folder of what the build made. */
export function startEngineProcess(built: string): EngineChild<MessagePortMain> {
  const child = utilityProcess.fork(join(built, 'engineProcess', 'main.mjs'), [], {
    serviceName: 'Noiseloom engine',
    stdio: 'inherit',
    allowLoadingUnsignedLibraries: true, // TensorFlow's, which the user built
  });
  let window: BrowserWindow | undefined;
  child.on('message', async (message: FromEngine) => {
    if (message.type !== 'open-window') return;
    const channelsOfWindow = [new MessageChannelMain(), new MessageChannelMain()];
    child.postMessage(
      { type: 'window' },
      channelsOfWindow.map(({ port1 }) => port1),
    );
    window = await openEngineWindow(built);
    window.webContents.postMessage(
      channels.enginePort,
      message.asked,
      channelsOfWindow.map(({ port2 }) => port2),
    );
  });
  child.once('exit', () => {
    if (window?.isDestroyed() === false) window.webContents.forcefullyCrashRenderer(); // a page that hangs hears nothing else
    window?.destroy();
  });
  return {
    get pid() {
      return child.pid;
    },
    post: (message, ports = []) => child.postMessage(message, [...ports]),
    onMessage: (receive) => child.on('message', (message) => receive(message as FromEngine)),
    onExit: (exited) => child.once('exit', (code) => exited(`exit code ${code}`)),
    kill() {
      // A hung process does not hear `kill`, which asks.
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
    },
  };
}

/** A hidden page with the engine in it, as locked up as the window that is seen, in a session of its own. */
async function openEngineWindow(built: string): Promise<BrowserWindow> {
  const own = session.fromPartition('engine');
  if (!own.protocol.isProtocolHandled('app')) {
    lockSession(own);
    await serveFolder(own, origins.engine, join(built, 'engineWindow'));
  }
  const preload = join(built, 'enginePreload.cjs');
  const window = new BrowserWindow({
    show: false,
    webPreferences: { ...hardened, preload, session: own, backgroundThrottling: false },
  });
  window.webContents.on('render-process-gone', () => window.destroy());
  await window.loadURL(`${origins.engine}/engineWindow.html`);
  return window;
}
