import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, chromium, type ElectronApplication, type Page } from 'playwright-core';
import { beforeAll, describe } from 'vitest';
import { findTestElectron } from '../../build/findTestElectron.ts';
import { packageFolder } from '../../electron/files/folders.ts';
import type { Preferences } from '../../electron/host/ipc.ts';

const root = packageFolder;

export interface WindowOptions {
  readonly width?: number;
  readonly height?: number;
  readonly preferences?: Partial<Preferences>;
  /** What an earlier window left: opens on the same graphs, runs and drafts. */
  readonly home?: string;
  /** Variables of the environment besides those of every window. */
  readonly env?: Readonly<Record<string, string>>;
  /** A graph to open from outside, by its path. In Electron only. */
  readonly file?: string;
}

/** A window on the whole application, with a home of its own. */
export interface OpenedWindow {
  readonly page: Page;
  /** Holds `data`, and the folders of graphs and runs. */
  readonly home: string;
  readonly graphs: string;
  readonly runs: string;
  /** In Electron only: its main process, e.g. to answer dialogs. */
  readonly app?: ElectronApplication;
  enginePid(): Promise<number>;
  /** Closes the window as a user does; `home` stays. */
  close(): Promise<void>;
  /** Ends all processes at once, as a crash of the machine does; `home` stays. */
  crash(): Promise<void>;
}

export type WindowKind = 'electron' | 'chromium';

export const openers: Readonly<Record<WindowKind, (options: WindowOptions) => Promise<OpenedWindow>>> = {
  electron: openElectron,
  chromium: openChromium,
};

/** Windows whose absence is a failure instead of a skip: NOISELOOM_REQUIRE=electron,chromium. */
const required = (process.env.NOISELOOM_REQUIRE ?? '').split(',').filter(Boolean);
/** Narrows a run to one kind while working on it: NOISELOOM_WINDOWS=chromium. */
const chosen = process.env.NOISELOOM_WINDOWS?.split(',') ?? ['electron', 'chromium'];

/**
 * Tells the same stories in the real application under Electron, and in a browser against `noiseloom serve`. A kind that
 * cannot be had is skipped and its reason printed, or fails where NOISELOOM_REQUIRE names it.
 */
export function describeInWindows(
  title: string,
  suite: (open: (options?: WindowOptions) => Promise<OpenedWindow>, kind: WindowKind) => void,
): void {
  for (const kind of (['electron', 'chromium'] as const).filter((kind) => chosen.includes(kind))) {
    const reason = missing(kind);
    const open = (options: WindowOptions = {}) => openers[kind](options);
    if (reason && !required.includes(kind)) {
      console.warn(`SKIPPED on ${kind}: ${title}: ${reason}`);
      describe.skip(`${title} [${kind}]`, () => suite(open, kind));
      continue;
    }
    describe(`${title} [${kind}]`, () => {
      beforeAll(() => {
        if (reason) throw new Error(reason);
      });
      suite(open, kind);
    });
  }
}

function missing(kind: WindowKind): string | undefined {
  if (kind === 'chromium') return findChromium() ? undefined : 'Chromium is not installed.';
  if (!findTestElectron(root)) return "Electron's runtime is not set up: run 'npm run setup:electron'.";
  if (process.platform === 'linux' && !process.env.DISPLAY && !existsSync('/usr/bin/Xvfb'))
    return 'There is no screen, and Xvfb, which imitates one, is not installed.';
  return undefined;
}

function findChromium(): string | undefined {
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return [process.env.CHROMIUM ?? '', ...places].find((path) => existsSync(path));
}

/** The folder that the user's own files lie in; deleted by `removeHomes` where it was made here. */
export async function makeHome({ home, preferences }: WindowOptions): Promise<string> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'noiseloom-home-')));
  if (!home) madeHomes.add(folder);
  await mkdir(join(folder, 'data'), { recursive: true });
  if (preferences) await writeFile(join(folder, 'data', 'preferences.json'), JSON.stringify(preferences));
  return folder;
}

const madeHomes = new Set<string>();

/** Deletes the homes of all windows that were opened; call after they are closed. */
export async function removeHomes(): Promise<void> {
  for (const home of madeHomes) await rm(home, { recursive: true, force: true, maxRetries: 3 });
  madeHomes.clear();
}

/** The variables under which a process finds that home, and this machine's TensorFlow. */
export function environment(home: string): Record<string, string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'); // native TensorFlow is found there
  const own = {
    HOME: home,
    XDG_CACHE_HOME: cache,
    XDG_CONFIG_HOME: join(home, '.config'),
    NOISELOOM_DATA: join(home, 'data'),
  };
  return { ...(process.env as Record<string, string>), ...own };
}

async function openElectron(options: WindowOptions): Promise<OpenedWindow> {
  const { width = 1280, height = 800, file } = options;
  const home = await makeHome(options);
  const display = await screen();
  const app = await _electron.launch({
    executablePath: findTestElectron(root) as string,
    // as root Chromium's own sandbox cannot be had; everything else is as it is shipped
    args: ['--no-sandbox', '--force-device-scale-factor=1', ...softwareWebGpu, root, ...(file ? [file] : [])],
    env: { ...environment(home), DISPLAY: display, ...options.env },
  });
  const page = await app.firstWindow();
  await app.evaluate(
    ({ BrowserWindow }, size) =>
      BrowserWindow.getAllWindows()
        .find((window) => window.isVisible())
        ?.setContentSize(...size),
    [width, height] as [number, number],
  );
  const graphs = join(await app.evaluate(({ app }) => app.getPath('documents')), 'Noiseloom');
  return {
    page,
    home,
    graphs,
    runs: join(graphs, 'runs'),
    app,
    async enginePid() {
      const processes = await app.evaluate(({ app }) => app.getAppMetrics().map(({ pid, name }) => ({ pid, name })));
      return processes.find(({ name }) => name === 'Noiseloom engine')?.pid as number;
    },
    close: () => app.close(),
    async crash() {
      const ended = new Promise((done) => app.process().once('exit', done));
      app.process().kill('SIGKILL');
      await ended;
    },
  };
}

/** Chromium's own WebGPU without a graphics card. */
const softwareWebGpu = [
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--ignore-gpu-blocklist',
];

async function openChromium(options: WindowOptions): Promise<OpenedWindow> {
  const { width = 1280, height = 800 } = options;
  const home = await makeHome(options);
  const graphs = join(home, 'graphs');
  const runs = join(home, 'runs');
  await mkdir(graphs, { recursive: true });
  const server = spawn(
    process.execPath,
    [join(root, 'build', 'noiseloom.mjs'), 'serve', graphs, '--runs', runs, '--port', '0', '--json'],
    { cwd: home, env: { ...environment(home), ...options.env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { url } = JSON.parse(await firstLine(server)) as { url: string };
  const browser = await chromium.launch({ executablePath: findChromium() as string, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(url);
  const end = async (signal: NodeJS.Signals) => {
    const ended = new Promise((done) => server.once('exit', done));
    server.kill(signal);
    await ended;
  };
  return {
    page,
    home,
    graphs,
    runs,
    enginePid: async () =>
      Number(readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').split(' ')[0]),
    async close() {
      await browser.close();
      await end('SIGTERM');
    },
    async crash() {
      await end('SIGKILL');
      await browser.close();
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0] as string);
    });
    child.once('exit', (code) => reject(new Error(`noiseloom serve ended with ${code}: ${text}`)));
  });
}

let display: Promise<string> | undefined;

/** The screen of this session, or one of a new Xvfb that ends with this process. */
export function screen(): Promise<string> {
  if (process.env.DISPLAY || process.platform !== 'linux') return Promise.resolve(process.env.DISPLAY ?? '');
  display ??= new Promise((resolve, reject) => {
    const size = ['-screen', '0', '1920x1200x24', '-nolisten', 'tcp'];
    // ends when this process does, however that comes: then its standard input closes
    const script = ['-c', 'Xvfb "$@" & read _; kill $!', 'screen', '-displayfd', '3', ...size];
    const server = spawn('sh', script, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
    server.stdio[3]?.once('data', (number: Buffer) => resolve(`:${String(number).trim()}`));
    server.once('error', reject);
  });
  return display;
}
