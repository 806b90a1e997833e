import { vi } from 'vitest';
import type { About, DesktopApi, DesktopEvent, Preferences, TakenFile } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import type { RunOptions } from '../../graphs/engine/engine.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import type { RunEvent } from '../../graphs/run/events.ts';
import { describeNode } from '../../nodes/card.ts';
import type { CanvasView, Editor } from '../../renderer/state/editor.ts';
import { learnCards } from '../../renderer/state/graph.ts';
import { createEditor } from '../../renderer/state/session.ts';
import type { Shell } from '../../renderer/state/shell.ts';
import { openTab } from '../../renderer/state/tabs.ts';
import { exampleNodes, library } from '../graphs/example.ts';

/*
 * An editor without a window, on a shell and an engine that answer at once and note what they were asked.
 */

const browser: About = {
  version: '1.2.3',
  shell: 'browser',
  platform: 'linux',
  dialogs: false,
  fetchesNative: false,
  versions: {},
  folders: { graphs: 'graphs', runs: 'runs', models: 'models' },
};

/** A run that the engine was asked for; it goes on until it is told to end. */
export interface AskedRun {
  readonly document: GraphDocument;
  readonly options: RunOptions;
  emit(event: RunEvent): void;
  /** Ends the promise that the engine gave. */
  end(error?: unknown): void;
}

export interface FakeShell extends Shell {
  readonly desktop: DesktopApi;
  readonly about: About;
  /** Calls of the desktop by name, in their order. */
  readonly calls: (readonly [method: string, ...args: unknown[]])[];
  readonly engine: QueuedEngine;
  readonly asked: AskedRun[];
  /** Hands an engine to the window, as at its start and after each restart. */
  connect(engine?: QueuedEngine): void;
  tell(event: DesktopEvent): void;
}

/** A shell with the system's dialogs. */
export const withDialogs = { about: (): About => ({ ...browser, dialogs: true }) };

/**
 * A shell without dialogs, as in a browser. `answers` are what methods of the desktop give, by name; the others give undefined.
 * `taken` are dropped files with a path, by their names.
 */
export function fakeShell(
  answers: Partial<Record<keyof DesktopApi, (...args: never[]) => unknown>> = {},
  taken: Readonly<Record<string, TakenFile>> = {},
): FakeShell {
  const calls: [string, ...unknown[]][] = [];
  const all: typeof answers = {
    about: () => browser,
    readPreferences: (): Preferences => ({
      theme: 'dark',
      language: 'en',
      device: 'wasm',
      previews: true,
      autosave: false,
      memoryShare: 0.5,
      runsFolder: '',
      view: {},
    }),
    listDrafts: () => [],
    listTemplates: () => [],
    ...answers,
  };
  const desktop = new Proxy({} as DesktopApi, {
    get:
      (_target, method: keyof DesktopApi) =>
      async (...args: never[]) => {
        calls.push([method, ...args]);
        return all[method]?.(...args);
      },
  });
  const listeners: ((event: DesktopEvent) => void)[] = [];
  const users: ((engine: QueuedEngine) => void)[] = [];
  const { engine, asked } = fakeEngine();
  return {
    desktop,
    about: (all.about as () => About)(),
    calls,
    engine,
    asked,
    takeFile: async (file) => taken[file.name],
    listen(listener) {
      listeners.push(listener);
      return () => undefined;
    },
    onEngine: (use) => void users.push(use),
    connect: (other = engine) => {
      for (const use of users) use(other);
    },
    tell: (event) => {
      for (const listener of listeners) listener(event);
    },
  };
}

function fakeEngine(): { engine: QueuedEngine; asked: AskedRun[] } {
  const asked: AskedRun[] = [];
  const engine = {
    describeNodes: vi.fn(async () => exampleNodes.map(describeNode)),
    openGraph: async (text: string) => readGraph(text, library),
    run: vi.fn(
      (document: GraphDocument, options: RunOptions, emit: (event: RunEvent) => void) =>
        new Promise<void>((resolve, reject) => {
          asked.push({ document, options, emit, end: (error) => (error ? reject(error) : resolve()) });
        }),
    ),
    listRuns: vi.fn(async () => []),
    followRun: vi.fn(),
    cancelRun: vi.fn(async () => true),
    pauseRun: vi.fn(async () => true),
    resumeRun: vi.fn(async () => true),
    moveRun: vi.fn(async () => true),
    clearCache: vi.fn(async () => undefined),
  };
  return { engine: engine as unknown as QueuedEngine, asked };
}

/** An editor with a document open, its engine ready and its canvas drawn. */
export function openEditor(document: GraphDocument, shell: FakeShell = fakeShell()): Editor {
  const editor = createEditor(shell);
  editor.engine = shell.engine;
  learnCards(editor.graph, exampleNodes.map(describeNode));
  openTab(editor, document, { name: document.title, draft: 'd' });
  editor.view.setState({ about: shell.about });
  editor.canvas = fakeCanvas();
  return editor;
}

/** A canvas on which the pointer is at 400, 240, the middle at 800, 400, and every node is 200 by 100 pixels large. */
function fakeCanvas(): CanvasView {
  return {
    fit: vi.fn(),
    zoom: vi.fn(),
    reveal: vi.fn(),
    seen: () => ({ left: 0, top: 0, right: 1600, bottom: 800 }),
    pointer: () => ({ x: 400, y: 240 }),
    screenOf: ({ x, y }) => ({ x: x + 1000, y: y + 1000 }),
    placeAt: ({ x, y }) => ({ x: x - 1000, y: y - 1000 }),
    sizeOf: () => ({ width: 200, height: 100 }),
  };
}

/** The document as it would lie in a file: what two edits must agree in. */
export function textOf(editor: Editor): string {
  return writeGraph(editor.graph.getState().whole);
}
