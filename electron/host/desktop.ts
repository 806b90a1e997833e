import { readFile } from 'node:fs/promises';
import { arch, release } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { limits } from '../../graphs/document/document.ts';
import { UserError } from '../../nodes/errors.ts';
import { measurePrompt } from '../../nodes/ml/text/measurePrompt.ts';
import { chosenPlaces } from '../files/chosenPlaces.ts';
import { makeFolder, writeAtomic } from '../files/disk.ts';
import { openFiles } from '../files/files.ts';
import { chosenFoldersPath, fileFolders, packageFolder, version } from '../files/folders.ts';
import { extractGraphText } from '../files/graphText.ts';
import { jsonFile } from '../files/jsonFile.ts';
import { within } from '../files/paths.ts';
import { listRunFolders, readRecord, readRunFile, runPath } from '../files/recordedRuns.ts';
import { emptyBin, measureBin, moveToBin, restoreFromBin } from '../files/runBin.ts';
import { listTemplates, readTemplateImage } from '../files/templates.ts';
import { knownModels } from '../models/knownModels.ts';
import { listModels, removeModel } from '../models/localModels.ts';
import { freeDisk } from '../models/pullModel.ts';
import { recogniseModel } from '../models/recogniseModel.ts';
import { drafts } from './drafts.ts';
import type { EngineHost } from './engineHost.ts';
import type { About, DesktopApi, DesktopEvent, DeviceRow, Menu, Preferences, TakenFile } from './ipc.ts';
import { keepImage } from './keepImage.ts';
import { nativeSetUp } from './nativeSetUp.ts';
import { preferences } from './preferences.ts';
import { pulls } from './pulls.ts';
import { recentGraphs } from './recentGraphs.ts';
import { stars } from './stars.ts';

/** Of the names of models that are looked for at once: a graph has fewer by far. */
const MAX_NAMES = 10_000;

interface DesktopFolders {
  /** Preferences, recent graphs and drafts. */
  readonly data: string;
  readonly graphs: string;
  readonly runs: string;
}

/** What only a desktop has. Each way of asking gives undefined where the user changed their mind. */
export interface System {
  askOpen(): Promise<string | undefined>;
  askSave(name: string, ending: string): Promise<string | undefined>;
  askPath(accept: readonly string[], folder: boolean): Promise<string | undefined>;
  reveal(path: string): void;
  setMenu(menu: readonly Menu[]): void;
  setTheme(theme: Preferences['theme']): void;
  /** Adds to the system's own list of recent documents. */
  addRecent(path: string): void;
}

export interface DesktopParts {
  readonly folders: DesktopFolders;
  readonly host: Pick<EngineHost, 'state' | 'start' | 'requireAnswer' | 'onState'>;
  /** Absent where the window is a browser that may be on another machine. */
  readonly system?: System;
  listDevices(): Promise<readonly DeviceRow[]>;
  emit(event: DesktopEvent): void;
}

export interface Desktop {
  readonly api: DesktopApi;
  /** Opens a graph that was named outside the window: double-clicked, or on the command line. */
  open(path: string): Promise<void>;
  /** Lets graphs read a file that was dropped on the window, and says what it is. */
  take(path: string): Promise<TakenFile>;
}

/**
 * The shell's side of `DesktopApi`, the same under Electron and in the server. Long because it is the table of all
 * methods, a line or a few each.
 */
export function createDesktop({ folders: given, host, system, listDevices, emit }: DesktopParts): Desktop {
  const folders = { ...given };
  const tell = (text: string) => emit({ type: 'notice', text });
  const recent = recentGraphs(folders.data, folders.graphs, system !== undefined, tell);
  const kept = {
    drafts: drafts(folders.data),
    preferences: preferences(folders.data, tell),
    chosen: chosenPlaces(folders.data, tell),
    devices: jsonFile<{ readonly version: string; readonly rows: readonly DeviceRow[] }>(
      join(folders.data, 'devices.json'),
      { version: '', rows: [] },
      (found) => Array.isArray((found as { rows?: unknown } | null)?.rows),
    ),
    stars: stars(folders.data),
  };
  const pulling = pulls((pull) => emit({ type: 'pull', pull }));
  const native = nativeSetUp((native) => emit({ type: 'native', native }), listDevices);
  const dialogs = () => {
    if (system) return system;
    throw new UserError('NO_DIALOGS', 'The dialogs of the system cannot be had in a browser.');
  };
  host.onState((engine) => emit({ type: 'engine', engine }));
  const open = async (path: string) => {
    const file = await recent.open(path);
    if (file.location) system?.addRecent(file.location);
    return file;
  };
  const api: DesktopApi = {
    about: async () => describeProgram(folders, system !== undefined),
    licences,
    async openGraph() {
      const path = await dialogs().askOpen();
      return path === undefined ? undefined : open(path);
    },
    openRecent: (location) => recent.openRecent(location),
    async readDropped(name, bytes) {
      const text = extractGraphText(bytes, name);
      if (text.length > limits.text) throw new UserError('TOO_LARGE', `"${name}" is too large to be a graph.`);
      return { name: basename(name).replace(/\.(json|png)$/i, ''), text };
    },
    async saveGraph(location, text) {
      await recent.save(location, text);
    },
    async saveGraphAs(name, text, replace = false) {
      if (!system) return recent.saveNamed(name, text, replace);
      const path = await system.askSave(name, 'json');
      if (path === undefined) return undefined;
      system.addRecent(path);
      return recent.saveChosen(path, text);
    },
    listRecent: () => recent.list(),
    forgetRecent: (location) => recent.forget(location),
    listDrafts: () => kept.drafts.list(),
    writeDraft: (draft) => kept.drafts.write(draft),
    removeDraft: (id) => kept.drafts.remove(id),
    listTemplates,
    readTemplateImage,
    listRunFolders: () => listRunFolders(folders.runs),
    readRun: (folder) => readRecord(folders.runs, folder),
    readRunFile: (folder, name) => readRunFile(folders.runs, folder, name),
    binRuns: (parts) => moveToBin(folders.runs, parts),
    restoreRuns: (parts) => restoreFromBin(folders.runs, parts),
    measureBin: () => measureBin(folders.runs),
    emptyBin: () => emptyBin(folders.runs),
    listStars: () => kept.stars.list(),
    markStars: (images, starred) => kept.stars.mark(images, starred),
    revealRun: async (folder) => dialogs().reveal(await runPath(folders.runs, folder)),
    async listModels() {
      const { modelsFolder } = fileFolders(folders.graphs);
      const models = await listModels(fileFolders(folders.graphs));
      return { models, known: knownModels, folder: modelsFolder, freeBytes: await freeDisk(modelsFolder) };
    },
    async findMissingModels(names, location) {
      const mayRead = within(async () => [folders.graphs, ...(await kept.chosen.list())]);
      const folder = location && isAbsolute(location) ? dirname(location) : folders.graphs;
      const files = openFiles(fileFolders(folder, mayRead));
      const isMissing = (name: string) =>
        files.locate(name).then(
          () => false,
          (error: unknown) => error instanceof UserError && error.code === 'NOT_FOUND',
        );
      const missing = await Promise.all(names.slice(0, MAX_NAMES).map(isMissing));
      return names.filter((_, i) => missing[i]);
    },
    planPull: (name, variant) => pulling.plan(name, variant ?? undefined),
    startPull: async (name, variant) => pulling.start(name, variant ?? undefined),
    stopPull: async (name) => pulling.stop(name),
    removeModel: (name) => removeModel(name, fileFolders(folders.graphs)),
    revealModels: async () => dialogs().reveal(fileFolders(folders.graphs).modelsFolder),
    measurePrompt,
    async chooseFile(accept, folder) {
      const path = await dialogs().askPath(accept, folder);
      if (path !== undefined) await kept.chosen.remember(path);
      return path;
    },
    async chooseFolder(what) {
      const path = await dialogs().askPath([], true);
      if (path !== undefined && what === 'models') {
        await makeFolder(dirname(chosenFoldersPath()));
        await writeAtomic(chosenFoldersPath(), `${JSON.stringify({ models: path })}\n`);
        host.start();
      } else if (path !== undefined) {
        await kept.preferences.write({ runsFolder: path });
        folders.runs = path;
        host.start({ runsFolder: path });
      }
      return describeProgram(folders, true).folders;
    },
    keepImage: (name, bytes) => keepImage(join(folders.graphs, 'images'), name, bytes),
    async exportFile(name, bytes) {
      const path = await dialogs().askSave(name, name.split('.').at(-1) ?? '');
      if (path !== undefined) await writeAtomic(path, bytes);
      return path;
    },
    readPreferences: () => kept.preferences.read(),
    async writePreferences(changes) {
      const before = await kept.preferences.read();
      const after = await kept.preferences.write(changes);
      if (after.theme !== before.theme) system?.setTheme(after.theme);
      const { device, memoryShare } = after;
      if (device !== before.device || memoryShare !== before.memoryShare) host.start({ device, memoryShare });
      return after;
    },
    engineState: async () => host.state,
    restartEngine: async () => host.start(),
    requireAnswer: async () => host.requireAnswer(),
    async listDevices() {
      const rows = await listDevices();
      await kept.devices.change(() => ({ version, rows }));
      return rows;
    },
    async knownDevices() {
      const known = await kept.devices.read();
      return known.version === version ? known.rows : [];
    },
    setUpNative: async () => native.start(),
    stopNative: async () => native.stop(),
    setMenu: async (menu) => system?.setMenu(menu),
  };
  return {
    api,
    open: async (path) => emit({ type: 'open', file: await open(path) }),
    async take(path) {
      await kept.chosen.remember(path);
      const files = openFiles(
        fileFolders(
          folders.graphs,
          within(() => kept.chosen.list()),
        ),
      );
      const { kind } = await recogniseModel(files, path);
      return { path, ...(kind && { model: kind }) };
    },
  };
}

function describeProgram({ graphs, runs }: DesktopFolders, dialogs: boolean): About {
  const { platform, versions } = process;
  const known = platform === 'linux' || platform === 'darwin' || platform === 'win32';
  const { node, electron, chrome } = versions as Partial<Record<string, string>>;
  return {
    version,
    shell: dialogs ? 'desktop' : 'browser',
    platform: known ? platform : 'other',
    dialogs,
    fetchesNative: !process.env.NOISELOOM_NATIVE,
    versions: {
      node: node as string,
      ...(electron && chrome ? { electron, chrome } : {}),
      os: `${release()} ${arch()}`,
    },
    folders: { graphs, runs, models: fileFolders(graphs).modelsFolder },
  };
}

/** What the build gathered; in a checkout without one, the licence of the program itself. */
async function licences(): Promise<string> {
  const gathered = await readFile(join(packageFolder, 'out', 'licences.txt'), 'utf8').catch(() => undefined);
  return gathered ?? readFile(join(packageFolder, 'LICENSE'), 'utf8');
}
