import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { packageFolder } from '../../electron/files/folders.ts';
import { readRecord } from '../../electron/files/recordedRuns.ts';
import { drafts } from '../../electron/host/drafts.ts';
import { EngineHost } from '../../electron/host/engineHost.ts';
import { forkEngine } from '../../electron/host/forkEngine.ts';
import { runTraining } from '../../electron/training/runTraining.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { readGraph } from '../../graphs/document/read.ts';
import type { Port } from '../../graphs/engine/port.ts';
import { connectEngine } from '../../graphs/engine/remoteEngine.ts';
import { library } from '../../nodes/index.ts';
import type { RandomStream } from '../../nodes/ml/random.ts';
import { diskFiles } from './golden.ts';
import { startHubServer } from './hubServer.ts';
import { lineRun, lineTraining } from './lineTraining.ts';
import { runCli } from './runCli.ts';
import { storedNode as node } from './storedNode.ts';

/** A task of which a process is killed at a random moment, and what must hold afterwards; else it throws. */
export interface Killing {
  readonly name: string;
  once(random: RandomStream): Promise<void>;
}

export const killings: readonly Killing[] = [
  { name: 'saving a graph', once: inFolder(saving) },
  { name: 'keeping drafts', once: inFolder(drafting) },
  { name: 'training', once: inFolder(training) },
  { name: 'writing checkpoints', once: inFolder(writingCheckpoints) },
  { name: 'running a graph', once: inFolder(running) },
  { name: 'writing images', once: inFolder(writingImages) },
  { name: 'pulling a model', once: inFolder(pulling) },
  { name: 'writing the last files of a pull', once: inFolder(endingPull) },
  { name: 'the engine in a run', once: inFolder(computing) },
];

function inFolder(once: (folder: string, random: RandomStream) => Promise<void>) {
  return async (random: RandomStream) => {
    const folder = await mkdtemp(join(tmpdir(), 'noiseloom-kill-'));
    try {
      await once(folder, random);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
}

/** Something that happens to files of a name in a folder, there or below, for the nth time. */
interface Write {
  readonly folder: string;
  readonly name: RegExp;
  readonly nth: number;
}

/**
 * Starts a program of this repository and kills it so many milliseconds after it has said `word`, or when it writes. Gives all
 * that it said.
 */
async function kill(
  args: readonly string[],
  word: string,
  moment: number | Write,
  options: { cwd?: string; env?: object } = {},
): Promise<string> {
  const { cwd = packageFolder, env } = options;
  const child = spawn(process.execPath, [join(packageFolder, 'build/run.mjs'), ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  const closed = new Promise((done) => child.on('close', done));
  const writes = typeof moment === 'number' ? undefined : waitForWrite(moment, closed);
  let said = '';
  await new Promise<void>((begun) => {
    const listen = (chunk: Buffer) => {
      said += String(chunk);
      if (said.includes(word)) begun();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('close', () => begun());
  });
  if (!said.includes(word)) throw new Error(`The program ended before it began: ${said}`);
  if (typeof moment === 'number') await wait(moment);
  else if (!(await writes)) throw new Error(`Nothing was written for the ${moment.nth}th time: ${said}`);
  child.kill('SIGKILL');
  await closed;
  return said;
}

/** Resolves with true when the moment comes, and with false when `ended` does before. */
function waitForWrite({ folder, name, nth }: Write, ended: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    let left = nth;
    const watcher = watch(folder, { recursive: true }, (_event, path) => {
      if (path === null || !name.test(path) || --left > 0) return;
      watcher.close();
      resolve(true);
    });
    void ended.then(() => {
      watcher.close();
      resolve(false);
    });
  });
}

const victim = join(packageFolder, 'test/support/victim.ts');

/** The graph is one of the last two that were saved, whole. */
async function saving(folder: string, random: RandomStream): Promise<void> {
  const said = await kill([victim, 'save', folder], 'ready', 300 * random.uniform());
  requireLast(await readFile(join(folder, 'graph.json'), 'utf8'), said);
}

/** The draft is there, and one of the last two. */
async function drafting(folder: string, random: RandomStream): Promise<void> {
  const said = await kill([victim, 'draft', folder], 'ready', 300 * random.uniform());
  const [draft, ...others] = await drafts(folder).list();
  if (!draft || others.length > 0) throw new Error(`${others.length + (draft ? 1 : 0)} drafts instead of one`);
  requireLast(draft.text, said);
}

/** What the victim wrote last, as it says, or what it was about to say. */
function requireLast(text: string, said: string): void {
  const { document } = readGraph(text, library);
  const last = Number(/(\d+)\n(?!.*\n)/s.exec(said)?.[1]);
  const [title, note] = [Number(document.title), document.notes?.[0]?.text.length];
  if ((title !== last && title !== last + 1) || note !== 200_000)
    throw new Error(`The graph is number ${document.title}, with a note of ${note}; the last one was number ${last}`);
}

/** The owner of the engine tells that it is gone, the run is marked, and another engine runs what comes next. */
async function computing(folder: string, random: RandomStream): Promise<void> {
  await mkdir(join(folder, 'images'));
  const red = sharp({ create: { width: 64, height: 64, channels: 3, background: '#f00' } });
  await red.png().toFile(join(folder, 'images/red.png'));
  const runs = join(folder, 'runs');
  const start = { device: 'cpu', runsFolder: runs, workingFolder: folder } as const;
  const host = new EngineHost(forkEngine, start, { ping: 500, silence: 60_000, answer: 8_000, restart: 20 });
  const ready = () =>
    new Promise<void>((resolve) => {
      const end = host.onState(({ state }) => {
        if (state !== 'ready') return;
        end();
        resolve();
      });
    });
  try {
    const first = ready();
    host.start();
    await first;
    const document = { ...busyGraph, version: 2 } as unknown as GraphDocument;
    const engine = connectEngine(host.connect() as Port);
    const lost = engine
      .run(document, { run: 'killed' }, () => {})
      .then(
        ({ status }) => status,
        (error: { code: string }) => error.code,
      );
    await wait(800 * random.uniform());
    const again = ready();
    process.kill(host.pid as number, 'SIGKILL');
    const outcome = await lost;
    if (outcome !== 'ENGINE_LOST' && outcome !== 'done') throw new Error(`The run ended as ${outcome}`);
    await again;
    await requireWhole(runs);
    const { status } = await connectEngine(host.connect() as Port).run(
      document,
      { run: 'next', targets: ['table'] },
      () => {},
    );
    if (status !== 'done') throw new Error(`The next run ended as ${status}`);
  } finally {
    host.stop();
  }
}

/** The training goes on and ends with the losses of one that was never interrupted. */
async function training(folder: string, random: RandomStream): Promise<void> {
  await killTraining(folder, 400 * random.uniform());
}

async function writingCheckpoints(folder: string, random: RandomStream): Promise<void> {
  await killTraining(folder, { folder, name: /./, nth: 1 + random.integer(30) });
}

async function killTraining(folder: string, moment: number | Write): Promise<void> {
  await kill([victim, 'train', folder], 'ready', moment);
  const whole = join(folder, 'whole');
  const [resumed, undisturbed] = [
    await runTraining(lineTraining, { ...lineRun, folder }, diskFiles),
    await runTraining(lineTraining, { ...lineRun, folder: whole }, diskFiles),
  ];
  const differs = undisturbed.losses.findIndex((loss, i) => Math.fround(loss) !== Math.fround(resumed.losses[i]!));
  if (differs >= 0 || resumed.losses.length !== lineRun.steps)
    throw new Error(`The losses differ from step ${differs}, of ${resumed.losses.length}`);
}

/** The run folder says how far it came, and every file in it is whole. */
async function running(folder: string, random: RandomStream): Promise<void> {
  await killRun(folder, 1500 * random.uniform());
}

async function writingImages(folder: string, random: RandomStream): Promise<void> {
  await killRun(folder, { folder, name: /\.png/, nth: 10 + random.integer(30) });
}

async function killRun(folder: string, moment: number | Write): Promise<void> {
  await mkdir(join(folder, 'images'));
  const red = sharp({ create: { width: 64, height: 64, channels: 3, background: '#f00' } });
  await red.png().toFile(join(folder, 'images/red.png'));
  await writeFile(join(folder, 'graph.json'), JSON.stringify(busyGraph));
  const out = join(folder, 'out');
  const args = [join(packageFolder, 'electron/cli/cli.ts'), 'run', 'graph.json', '--device', 'cpu', '--out', out];
  await kill(args, 'Running on', moment, { cwd: folder });
  await requireWhole(out);
}

/** Writes an image again and again, and is done after some seconds. */
const busyGraph = (() => {
  const images = [['load', 'images']];
  return {
    ...{ format: 'noiseloom-graph', version: 1, title: 'Killed' },
    nodes: {
      load: node('input/load-images', { path: 'images' }),
      many: node('input/number-range', { first: 1, step: 0, count: 200 }),
      grid: node('output/image-grid', { enlarge: 8 }, { images }),
      score: node('reward/score', {}, { images, rewards: [['colour', 'reward']] }),
      colour: node('reward/colourfulness', {}),
      top: node('select/top', {}, { images, scores: [['score', 'scores']], keep: [['many', 'numbers']] }),
      save: node('output/save-images', { name: '{name}' }, { images: [['top', 'images']] }),
      table: node('output/score-table', {}, { scores: [['score', 'scores']] }),
    },
  };
})();

/** Every run in a folder is done, or says that it was interrupted, and no file of it is torn. */
async function requireWhole(runs: string): Promise<void> {
  for (const run of await readdir(runs).catch(() => [])) {
    const names = await readdir(join(runs, run));
    if (!names.includes('run.json') && names.every((name) => name.endsWith('.part'))) continue; // killed before it was a run
    const record = await readRecord(runs, run);
    if (record.state !== 'interrupted' && record.state !== 'done') throw new Error(`The run says ${record.state}`);
    for (const name of names) {
      if (name.endsWith('.part')) continue; // hidden, and no result
      const bytes = await readFile(join(runs, run, name));
      if (name.endsWith('.json')) JSON.parse(String(bytes));
      else if (name.endsWith('.png')) await diskFiles.decodeImage(bytes);
    }
  }
}

/** Pulling again ends with the right files. */
async function pulling(folder: string, random: RandomStream): Promise<void> {
  await killPull(folder, random, 1500 * random.uniform());
}

/** Killed where the last file takes its place, first beside the model's folder and then in it. */
async function endingPull(folder: string, random: RandomStream): Promise<void> {
  const staging = join(folder, 'models/a/.b.pulling');
  await mkdir(staging, { recursive: true });
  const name = /(model\.safetensors|pulled\.json.*)$/;
  await killPull(folder, random, { folder: join(folder, 'models'), name, nth: 1 + random.integer(2) });
}

async function killPull(folder: string, random: RandomStream, moment: number | Write): Promise<void> {
  const weights = Uint8Array.from({ length: 3_000_000 }, () => random.integer(256));
  const server = await startHubServer('a/b', { 'config.json': new Uint8Array(4), 'model.safetensors': weights });
  Object.assign(server.behaviour, { breakAfter: 100_000, breaks: 3, arrivesIn: folder }); // so that it takes a while
  const env = { NOISELOOM_MODELS: join(folder, 'models'), HF_ENDPOINT: server.endpoint, HF_TOKEN: '' };
  try {
    await kill([join(packageFolder, 'electron/cli/cli.ts'), 'models', 'pull', 'a/b'], 'free', moment, {
      cwd: folder,
      env,
    });
    Object.assign(server.behaviour, { breaks: 0 });
    const { code, stdout, stderr } = await runCli(['models', 'pull', 'a/b'], { cwd: folder, env });
    if (code !== 0) throw new Error(`Pulling again failed: ${stderr}`);
    const pulled = await readFile(join(stdout.trim(), 'model.safetensors'));
    if (!pulled.equals(weights)) throw new Error('The pulled file differs');
  } finally {
    await server.close();
  }
}
