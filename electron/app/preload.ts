import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { type Bridge, channels, type DesktopEvent, methods } from '../host/ipc.ts';

/** What of the page a preload script sees. */
declare const window: { postMessage(message: string, origin: string, ports: readonly unknown[]): void };
declare const location: { readonly origin: string };

/*
 * The only door between the window and the shell: the methods of DesktopApi by name, events, the engine's port, and files
 * that were dropped. The page can choose no channel and no path, and no object of Electron reaches it.
 */

const calls = Object.fromEntries(
  Object.keys(methods).map((name) => {
    const channel = channels.call(name as keyof typeof methods);
    return [name, (...args: unknown[]) => ipcRenderer.invoke(channel, ...args)];
  }),
);

const bridge = {
  ...calls,
  listen(listener: (event: DesktopEvent) => void) {
    const receive = (_sender: unknown, event: DesktopEvent) => listener(event);
    ipcRenderer.on(channels.event, receive);
    return () => ipcRenderer.off(channels.event, receive);
  },
  connectEngine: () => ipcRenderer.send(channels.connectEngine),
  takeFile: (file: File) => ipcRenderer.invoke(channels.takeFile, webUtils.getPathForFile(file)),
} as unknown as Bridge;

// A port cannot cross by the bridge, only as a message of the window.
ipcRenderer.on(channels.enginePort, ({ ports }) => window.postMessage(channels.enginePort, location.origin, ports));

contextBridge.exposeInMainWorld('noiseloom', bridge);
