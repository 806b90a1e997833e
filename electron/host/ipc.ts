import type { Json } from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { Outcome } from '../../graphs/engine/outcome.ts';
import type { DeviceName, DevicePreference } from '../../nodes/ml/deviceNames.ts';
import type { PromptLength } from '../../nodes/ml/text/measurePrompt.ts';
import type { ModelKind } from '../../nodes/params.ts';
import type { DeviceRow } from '../devices/tryDevices.ts';
import type { RunSummary } from '../files/recordedRuns.ts';
import type { RunPart } from '../files/runBin.ts';
import type { RunRecord } from '../files/runFolder.ts';
import type { Template } from '../files/templates.ts';
import type { KnownModel } from '../models/knownModels.ts';
import type { Model } from '../models/localModels.ts';
import type { PullProgress } from '../models/pullModel.ts';

export type { RunSummary, Template };

/**
 * Calls from the window to its shell, apart from those to the engine: files, folders, the machine. Electron's preload
 * exposes them as `window.noiseloom`, the server as `POST /api/desktop/<method>` with the arguments as a JSON list, so
 * all arguments and results are plain data. Calls reject with UserErrors; preload and HTTP pass them as `Outcome` (graphs/engine/outcome.ts).
 */
export interface DesktopApi {
  about(): Promise<About>;
  /** Licence texts of this program, of what it is built from and of the models that come with it. */
  licences(): Promise<string>;

  /** Shows the system's dialog; undefined if the user closes it. Needs `About.dialogs`. */
  openGraph(): Promise<GraphFile | undefined>;
  /** Opens a graph that was opened or saved before, see `listRecent`. */
  openRecent(location: string): Promise<GraphFile>;
  /** Reads the graph in a dropped file: a graph's text, or a PNG that Noiseloom wrote. */
  readDropped(name: string, bytes: Uint8Array): Promise<GraphFile>;
  /** Writes atomically. `location` is one that `openGraph`, `openRecent` or `saveGraphAs` gave. */
  saveGraph(location: string, text: string): Promise<void>;
  /**
   * Asks where (`About.dialogs`), else saves as `name` in the folder of graphs: rejects with `EXISTS` there unless
   * `replace`. Undefined if the user closes the dialog.
   */
  saveGraphAs(name: string, text: string, replace?: boolean): Promise<GraphPlace | undefined>;
  /** Newest first. Without dialogs also every graph in the folder of graphs. */
  listRecent(): Promise<readonly RecentGraph[]>;
  forgetRecent(location: string): Promise<void>;

  /** Graphs with changes that were neither saved nor discarded. */
  listDrafts(): Promise<readonly Draft[]>;
  writeDraft(draft: Omit<Draft, 'written'>): Promise<void>;
  removeDraft(id: string): Promise<void>;

  listTemplates(): Promise<readonly Template[]>;
  /** A PNG; undefined if the template has none. */
  readTemplateImage(name: string): Promise<Uint8Array | undefined>;

  /** Run folders, newest first. */
  listRunFolders(): Promise<readonly RunSummary[]>;
  readRun(folder: string): Promise<RunRecord>;
  /** A file of a run folder by its name in `RunRecord.outputs`. */
  readRunFile(folder: string, name: string): Promise<Uint8Array>;
  /** Moves runs, or files of them, into the bin of runs. Rejects with `RUN_GOES_ON` where one is not over. */
  binRuns(parts: readonly RunPart[]): Promise<void>;
  /** Moves them out of it again. */
  restoreRuns(parts: readonly RunPart[]): Promise<void>;
  measureBin(): Promise<BinContent>;
  /** Deletes for ever what is in the bin. */
  emptyBin(): Promise<void>;
  /** The images of runs that the user likes. */
  listStars(): Promise<readonly ImagePlace[]>;
  markStars(images: readonly ImagePlace[], starred: boolean): Promise<void>;
  /** Shows the folder in the system's file browser. Needs `About.dialogs`. */
  revealRun(folder: string): Promise<void>;

  /** What is on this machine, what can be downloaded, and where. */
  listModels(): Promise<ModelList>;
  /**
   * Those of the models, as a graph writes them, that are not on this machine; `location` is where the graph lies. One that
   * may not be read is none of them: a run says so.
   */
  findMissingModels(names: readonly string[], location?: string): Promise<readonly string[]>;
  /** Asks the hub which files a pull fetches. */
  planPull(name: string, variant?: string): Promise<PullPlan>;
  /** Starts or resumes a pull and resolves at once; `pull` events report the rest. */
  startPull(name: string, variant?: string): Promise<void>;
  /** Keeps what was downloaded, for the next start. */
  stopPull(name: string): Promise<void>;
  /** Deletes a pulled model from the disk. */
  removeModel(name: string): Promise<void>;
  /** Shows the folder of models in the system's file browser. Needs `About.dialogs`. */
  revealModels(): Promise<void>;

  /** How many tokens a prompt has; undefined for one that is too long to count. */
  measurePrompt(prompt: string): Promise<PromptLength | undefined>;
  /** Asks for a path by the system's dialog; undefined if the user closes it. Needs `About.dialogs`. */
  chooseFile(accept: readonly string[], folder: boolean): Promise<string | undefined>;
  /**
   * Keeps an image that was dropped or pasted in the folder of graphs, once for each content, and gives the path that a
   * graph writes for it. Rejects with `BAD_NAME` for what is named as no image.
   */
  keepImage(name: string, bytes: Uint8Array): Promise<string>;
  /** Saves a file: by the system's dialog, returning its path, or as a download in the browser. */
  exportFile(name: string, bytes: Uint8Array): Promise<string | undefined>;
  /**
   * Asks by the system's dialog for another folder of models or runs, which stay where they are; unchanged if the user
   * closes it. Needs `About.dialogs`. Restarts the engine.
   */
  chooseFolder(what: 'models' | 'runs'): Promise<About['folders']>;

  readPreferences(): Promise<Preferences>;
  /** Changes the given preferences and keeps the others. A new device restarts the engine. */
  writePreferences(changes: Partial<Preferences>): Promise<Preferences>;

  engineState(): Promise<EngineState>;
  /** Kills the engine's process and starts another. Its runs end. */
  restartEngine(): Promise<void>;
  /** Kills and restarts the engine's process unless it answers within some seconds; called after a cancel. */
  requireAnswer(): Promise<void>;
  /** All devices, with the reason for each that cannot be used. */
  listDevices(): Promise<readonly DeviceRow[]>;
  /** What `listDevices` gave last, at once; empty if this version never listed them. */
  knownDevices(): Promise<readonly DeviceRow[]>;
  /** Starts or resumes the download of native TensorFlow and resolves at once; `native` events report the rest. */
  setUpNative(): Promise<void>;
  /** Keeps what was downloaded, for the next start. */
  stopNative(): Promise<void>;

  /** Sets the application's menu from the table of commands; does nothing on a shell without a menu. */
  setMenu(menu: readonly Menu[]): Promise<void>;
}

/** Events of the shell: `window.noiseloom.listen(listener)`, or `GET /api/events`. */
export type DesktopEvent =
  | { readonly type: 'engine'; readonly engine: EngineState }
  | { readonly type: 'pull'; readonly pull: Pull }
  | { readonly type: 'native'; readonly native: NativeSetUp }
  /** What the user is to read, although nothing failed that was asked for. */
  | { readonly type: 'notice'; readonly text: string }
  /** A menu item or its shortcut was chosen. */
  | { readonly type: 'command'; readonly command: string }
  /** A graph was opened from outside: a double-click, the command line, the system's recent list. */
  | { readonly type: 'open'; readonly file: GraphFile };

export interface About {
  readonly version: string;
  readonly shell: 'desktop' | 'browser';
  readonly platform: 'linux' | 'darwin' | 'win32' | 'other';
  /** Whether the system's dialogs, bin and file browser can be had. */
  readonly dialogs: boolean;
  /** Whether native TensorFlow can be downloaded: not where NOISELOOM_NATIVE names the only folder that is looked in. */
  readonly fetchesNative: boolean;
  readonly versions: Readonly<Record<string, string>>;
  /** For people. */
  readonly folders: { readonly graphs: string; readonly runs: string; readonly models: string };
}

export type { DeviceRow, KnownModel, Model, RunRecord };

export interface ModelList {
  readonly models: readonly Model[];
  /** A short list of published ones. */
  readonly known: readonly KnownModel[];
  /** Where models are downloaded to, and the bytes that are free on its disk. */
  readonly folder: string;
  readonly freeBytes: number;
}

export type { RunPart };

/** A file of a run folder. */
export interface ImagePlace {
  readonly folder: string;
  readonly name: string;
}

/** How many files there are in the bin of runs, and their bytes. */
export interface BinContent {
  readonly files: number;
  readonly bytes: number;
}

export interface GraphPlace {
  /** What `saveGraph` takes: an absolute path that the user chose. */
  readonly location: string;
  /** For titles: the file's name without `.json`. */
  readonly name: string;
}

/** Without a location it was never saved: a template, a dropped file, a PNG. */
export interface GraphFile extends Partial<GraphPlace> {
  readonly name: string;
  readonly text: string;
}

export interface RecentGraph extends GraphPlace {
  /** ISO 8601: when it was last opened or saved here. */
  readonly used: string;
  /** Whether the file is still there. */
  readonly exists: boolean;
}

export interface Draft extends Partial<GraphPlace> {
  /** Letters, digits and hyphens; the window makes it, e.g. by `crypto.randomUUID()`. */
  readonly id: string;
  readonly name: string;
  readonly text: string;
  /** ISO 8601. */
  readonly written: string;
}

/** A file of this machine that was dropped on the window: graphs may read it from now on. */
export interface TakenFile {
  readonly path: string;
  /** What it is, if it is a model that this program reads. */
  readonly model?: ModelKind;
}

export interface PullPlan {
  readonly name: string;
  readonly commit: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly bytes: number;
  /** On the disk of the models folder. */
  readonly freeBytes: number;
}

export type Pull = { readonly name: string } & (
  | ({ readonly state: 'running' } & PullProgress)
  /** `waiting`: others come first. */
  | { readonly state: 'waiting' | 'done' | 'stopped' }
  | { readonly state: 'failed'; readonly problem: Problem }
);

/** How far the download of native TensorFlow is; `done` once an engine can compute with it. */
export type NativeSetUp =
  | { readonly state: 'running'; readonly done: number; readonly total: number | undefined }
  | { readonly state: 'done' | 'stopped' }
  | { readonly state: 'failed'; readonly problem: Problem };

/** The languages that the window speaks. */
export const languageTags = ['en', 'zh-Hans', 'ja', 'de', 'es'] as const;

export interface Preferences {
  readonly theme: 'system' | 'light' | 'dark';
  /** The language of the window; `system`: the system's, where it is one of these, else English. */
  readonly language: 'system' | (typeof languageTags)[number];
  readonly device: DevicePreference;
  /** Whether a run shows images while it draws them. */
  readonly previews: boolean;
  /** Whether a graph that lies in a file is saved there after each change. */
  readonly autosave: boolean;
  /** The part of the memory in which results are kept, from 0.1 to 0.9; a page that computes by WebGPU has a limit of its own. */
  readonly memoryShare: number;
  /** The folder of runs that the user chose; empty for the usual one. */
  readonly runsFolder: string;
  /** State of the window to restore: panels, sizes, hints seen. */
  readonly view: Readonly<Record<string, Json>>;
}

/** State of the engine's process, as its host sees it. */
export type EngineState =
  | { readonly state: 'starting' }
  | { readonly state: 'ready'; readonly device: { readonly name: DeviceName; readonly description: string } }
  /** No answer for `seconds`: it hangs, or is in one very long step. */
  | { readonly state: 'silent'; readonly seconds: number }
  /** It ended; if `again`, it is being restarted. */
  | { readonly state: 'stopped'; readonly problem: Problem; readonly again: boolean };

export interface Menu {
  readonly label: string;
  readonly items: readonly MenuItem[];
}
export type MenuItem =
  | 'separator'
  | {
      readonly label: string;
      /** Reported as a `command` event. */
      readonly command: string;
      /** In Electron's notation: `CmdOrCtrl+S`. Display only: the window handles its own keys. */
      readonly accelerator?: string;
      readonly enabled?: boolean;
      readonly checked?: boolean;
    };

/** What preload exposes as `window.noiseloom`: every method resolves to an `Outcome`; the engine's ports come as messages. */
export type Bridge = {
  readonly [Method in keyof DesktopApi]: (
    ...args: Parameters<DesktopApi[Method]>
  ) => Promise<Outcome<Awaited<ReturnType<DesktopApi[Method]>>>>;
} & {
  /** Subscribes to events and returns a function that unsubscribes. */
  listen(listener: (event: DesktopEvent) => void): () => void;
  /**
   * Asks for a port to the engine. It arrives in `window.onmessage` with `data === 'noiseloom-engine'` and one
   * MessagePort, now and after each restart of the engine.
   */
  connectEngine(): void;
  /**
   * Lets graphs read a file that was dropped on the window; preload finds its path, which the page cannot choose. Gives
   * undefined for a file that lies nowhere on this machine.
   */
  takeFile(file: unknown): Promise<Outcome<TakenFile | undefined>>;
};

type Check = (argument: unknown) => boolean;
const text: Check = (argument) => typeof argument === 'string';
const flag: Check = (argument) => typeof argument === 'boolean';
const bytes: Check = (argument) => argument instanceof Uint8Array;
const list: Check = (argument) => Array.isArray(argument);
const texts: Check = (argument) => Array.isArray(argument) && argument.every(text);
const record: Check = (argument) => typeof argument === 'object' && argument !== null && !Array.isArray(argument);
const oneOf =
  (...texts: readonly string[]): Check =>
  (argument) =>
    texts.includes(argument as string);
const maybe =
  (check: Check): Check =>
  (argument) =>
    argument === undefined || argument === null || check(argument);

const listOf =
  (check: Check): Check =>
  (argument) =>
    Array.isArray(argument) && argument.every(check);
const parts = listOf((part) => record(part) && text((part as RunPart).folder) && maybe(texts)((part as RunPart).names));
const places = listOf(
  (place) => record(place) && text((place as ImagePlace).folder) && text((place as ImagePlace).name),
);

/** All methods with the checks of their arguments, which the receiver makes first. */
export const methods = {
  about: [],
  licences: [],
  openGraph: [],
  openRecent: [text],
  readDropped: [text, bytes],
  saveGraph: [text, text],
  saveGraphAs: [text, text, maybe(flag)],
  listRecent: [],
  forgetRecent: [text],
  listDrafts: [],
  writeDraft: [record],
  removeDraft: [text],
  listTemplates: [],
  readTemplateImage: [text],
  listRunFolders: [],
  readRun: [text],
  readRunFile: [text, text],
  binRuns: [parts],
  restoreRuns: [parts],
  measureBin: [],
  emptyBin: [],
  listStars: [],
  markStars: [places, flag],
  revealRun: [text],
  listModels: [],
  findMissingModels: [texts, maybe(text)],
  planPull: [text, maybe(text)],
  startPull: [text, maybe(text)],
  stopPull: [text],
  removeModel: [text],
  revealModels: [],
  measurePrompt: [text],
  chooseFile: [texts, flag],
  keepImage: [text, bytes],
  exportFile: [text, bytes],
  chooseFolder: [oneOf('models', 'runs')],
  readPreferences: [],
  writePreferences: [record],
  engineState: [],
  restartEngine: [],
  requireAnswer: [],
  listDevices: [],
  knownDevices: [],
  setUpNative: [],
  stopNative: [],
  setMenu: [list],
} as const satisfies Readonly<Record<keyof DesktopApi, readonly Check[]>>;

/** Names of the channels between Electron's processes. */
export const channels = {
  call: (method: keyof DesktopApi) => `desktop:${method}`,
  event: 'desktop:event',
  connectEngine: 'engine:connect',
  takeFile: 'desktop:take-file',
  /** Also the `data` of the window message that carries the engine's port. */
  enginePort: 'noiseloom-engine',
} as const;
