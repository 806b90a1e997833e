import {
  type App,
  type IpcMainEvent,
  type IpcMainInvokeEvent,
  type Session,
  shell,
  type WebContents,
  type WebPreferences,
} from 'electron';
import { origins } from './protocol.ts';

/** What a page may do: show itself. Everything that Electron could give it besides is off. */
export const hardened: WebPreferences = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  safeDialogs: true,
  disableBlinkFeatures: 'Auxclick',
};

/** Hosts whose pages a link may open in the system's browser. */
const hosts = ['arxiv.org', 'github.com', 'huggingface.co', 'doi.org', 'openaccess.thecvf.com', 'openreview.net'];

/** Whether an address may be opened in the system's browser: https, one of the hosts, and nothing hidden in it. */
export function mayOpen(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password, port } = new URL(address);
  return protocol === 'https:' && hosts.includes(hostname) && !username && !password && !port;
}

/** Whether an address is a page of one of ours. */
export function isOwn(address: string, origin: string): boolean {
  return URL.canParse(address) && address.startsWith(`${origin}/`) && !new URL(address).username;
}

/** Whether a message comes from the window's own page, and not from a frame in it or another page. */
export function isFromWindow(
  { sender, senderFrame }: IpcMainEvent | IpcMainInvokeEvent,
  window?: WebContents,
): boolean {
  return (
    window !== undefined &&
    sender === window &&
    senderFrame !== null &&
    senderFrame === window.mainFrame &&
    isOwn(senderFrame.url, origins.window)
  );
}

/** Locks every page that ever comes about: it stays where it is, opens nothing, and embeds nothing. */
export function lockPages(app: App): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => event.preventDefault());
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpen(url)) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}

/** Denies every permission but writing to the clipboard after a key or a click, and every address but our own. */
export function lockSession(session: Session): void {
  const allowed = 'clipboard-sanitized-write';
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(permission === allowed));
  session.setPermissionCheckHandler((_contents, permission) => permission === allowed);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isServed(url) }));
}

/** Addresses that a page may load: those of our own scheme, and what it made itself. */
export function isServed(address: string): boolean {
  return /^(app|blob|data|devtools):/.test(address);
}
