import { ipcRenderer } from 'electron';
import { channels } from '../host/ipc.ts';

/** What of the page a preload script sees. */
declare const window: { postMessage(message: unknown, origin: string, ports: readonly unknown[]): void };
declare const location: { readonly origin: string };

// Passes the ports of the engine's page on to it, and is no other door.
ipcRenderer.on(channels.enginePort, ({ ports }, asked: boolean) => {
  window.postMessage({ asked }, location.origin, ports);
});
