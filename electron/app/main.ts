import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, type BrowserWindow, dialog, ipcMain, MessageChannelMain, nativeTheme, session, shell } from 'electron';
import { catchOutcome } from '../../graphs/engine/outcome.ts';
import { dataFolder, packageFolder } from '../files/folders.ts';
import { createDesktop, type System } from '../host/desktop.ts';
import { callDesktop, isCall } from '../host/desktopCalls.ts';
import { EngineHost, listDevices } from '../host/engineHost.ts';
import { channels, type DesktopEvent, methods } from '../host/ipc.ts';
import { preferences } from '../host/preferences.ts';
import { rendererFolder } from '../host/rendererFiles.ts';
import { hideMenu, showMenu } from './menu.ts';
import { origins, registerScheme, serveFolder } from './protocol.ts';
import { isFromWindow, lockPages, lockSession } from './security.ts';
import { startEngineProcess } from './startEngineProcess.ts';
import { createWindow } from './window.ts';

/*
 * The desktop application: one window, one engine, one menu. Main passes calls on and owns processes; it computes nothing.
 */

const built = join(packageFolder, 'out', 'app');
const data = dataFolder();
app.setPath('userData', join(data, 'window'));
registerScheme();
lockPages(app);

let window: BrowserWindow | undefined;
/** Events emitted before the window listens. */
let waiting: DesktopEvent[] | undefined = [];

function emit(event: DesktopEvent): void {
  if (waiting) waiting.push(event);
  else window?.webContents.send(channels.event, event);
}

/** The dialogs, menu and theme of this machine. */
const system: System = {
  async askOpen() {
    const filters = [{ name: 'Graphs and their images', extensions: ['json', 'png'] }];
    return (await ask(dialog.showOpenDialog, { filters, properties: ['openFile'] })).filePaths[0];
  },
  async askSave(name, ending) {
    const { filePath, canceled } = await ask(dialog.showSaveDialog, {
      defaultPath: join(documents, name.endsWith(`.${ending}`) ? name : `${name}.${ending}`),
      filters: [{ name: ending.toUpperCase(), extensions: [ending] }],
    });
    return canceled ? undefined : filePath;
  },
  async askPath(accept, folder) {
    const filters = accept.length > 0 ? [{ name: accept.join(', '), extensions: [...accept] }] : [];
    return (await ask(dialog.showOpenDialog, { filters, properties: [folder ? 'openDirectory' : 'openFile'] }))
      .filePaths[0];
  },
  reveal: (path) => shell.showItemInFolder(path),
  setMenu: (menu) => showMenu(menu, (command) => emit({ type: 'command', command })),
  setTheme: (theme) => {
    nativeTheme.themeSource = theme;
  },
  addRecent: (path) => app.addRecentDocument(path),
};

function ask<Options, Result>(
  show: (window: BrowserWindow, options: Options) => Promise<Result>,
  options: Options,
): Promise<Result> {
  return show(window as BrowserWindow, options);
}

const documents = join(app.getPath('documents'), 'Noiseloom');
const startEngine = () => startEngineProcess(built);

async function start(): Promise<void> {
  const chosen = await preferences(data).read();
  const folders = { data, graphs: documents, runs: chosen.runsFolder || join(documents, 'runs') };
  nativeTheme.themeSource = chosen.theme;
  lockSession(session.defaultSession);
  await serveFolder(session.defaultSession, origins.window, rendererFolder);
  hideMenu();

  const host = new EngineHost(startEngine, {
    device: chosen.device,
    runsFolder: folders.runs,
    workingFolder: folders.graphs,
    memoryShare: chosen.memoryShare,
  });
  const { api, open, take } = createDesktop({
    folders,
    host,
    system,
    emit,
    listDevices: () => listDevices(startEngine),
  });

  for (const name of Object.keys(methods) as (keyof typeof methods)[]) {
    ipcMain.handle(channels.call(name), (event, ...args: unknown[]) => {
      if (!isFromWindow(event, window?.webContents) || !isCall(name, args)) throw new Error(`refused: ${name}`);
      return callDesktop(api, name, args);
    });
  }
  ipcMain.handle(channels.takeFile, (event, path: unknown) => {
    if (!isFromWindow(event, window?.webContents) || typeof path !== 'string') throw new Error('refused: take-file');
    return catchOutcome(async () => (path === '' ? undefined : take(path)));
  });
  const givePort = () => {
    if (waiting || (host.state.state !== 'ready' && host.state.state !== 'silent')) return;
    const { port1, port2 } = new MessageChannelMain();
    host.connectPort(port1);
    window?.webContents.postMessage(channels.enginePort, null, [port2]);
  };
  ipcMain.on(channels.connectEngine, (event) => {
    if (!isFromWindow(event, window?.webContents)) return;
    const missed = waiting ?? [];
    waiting = undefined;
    for (const each of missed) emit(each);
    givePort();
  });
  let given = host.state.state;
  host.onState(({ state }) => {
    // after silence the old port still works
    if (state === 'ready' && given !== 'silent') givePort();
    given = state;
  });

  const openNamed = (args: readonly string[]) => {
    for (const path of args.filter((arg) => /\.(json|png)$/i.test(arg) && existsSync(arg))) void open(path);
  };
  app.on('open-file', (_event, path) => openNamed([path]));
  app.on('second-instance', (_event, args) => {
    openNamed(args.slice(1));
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  openNamed(process.argv.slice(1));

  host.start();
  app.on('will-quit', () => host.stop());
  window = await createWindow(join(built, 'preload.cjs'), data, app.isPackaged);
  window.on('closed', () => {
    window = undefined;
    app.quit();
  });
  await window.loadURL(`${origins.window}/index.html`);
}

if (app.requestSingleInstanceLock()) void app.whenReady().then(start);
else app.quit();
