import { createHook } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import { within } from '../../electron/files/paths.ts';
import type { GraphDocument, GraphNode } from '../../graphs/document/document.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import { ValueCache } from '../../graphs/run/cache.ts';
import type { RunEvent } from '../../graphs/run/events.ts';
import { planRun } from '../../graphs/run/plan.ts';
import { runGraph } from '../../graphs/run/run.ts';
import type { NodeDevice } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { isPlainName } from '../../nodes/files.ts';
import { library } from '../../nodes/index.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import { openTestDevice } from '../support/devices.ts';
import { repository } from '../support/golden.ts';
import { runCli } from '../support/runCli.ts';

/*
 * A graph of a stranger, with whatever a stranger may put beside it: it reads nothing outside the folders that the user
 * chose, writes nothing outside the folder of its run, and waits for no pipe and no network.
 */

let root: string;
let work: string;
let files: Files;
const secret = encodePng({ width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'noiseloom-untrusted-'));
  work = join(root, 'work');
  const outside = join(root, 'outside');
  for (const folder of [join(work, 'deep'), join(work, 'loop'), join(root, 'models'), outside, join(root, 'chosen')])
    await mkdir(folder, { recursive: true });
  await writeFile(join(outside, 'secret.png'), secret);
  await writeFile(join(root, 'chosen', 'a.png'), secret);
  await writeFile(join(work, 'deep', 'own.png'), secret);
  await symlink(join(outside, 'secret.png'), join(work, 'link.png'));
  await symlink(outside, join(work, 'linked'));
  await mkdir(join(work, 'model'));
  await symlink(join(outside, 'secret.png'), join(work, 'model', 'config.json'));
  await symlink('../deep', join(work, 'deep', 'again'));
  await symlink('.', join(work, 'loop', 'loop'));
  execFileSync('mkfifo', [join(work, 'pipe.png')]);
  files = openFiles({
    builtinFolder: join(root, 'builtin'),
    modelsFolder: join(root, 'models'),
    hubCache: join(root, 'hub'),
    workingFolder: work,
    mayRead: within(async () => [work, join(root, 'chosen')]),
  });
});
afterAll(() => rm(root, { recursive: true }));

/** What leads out, however it is written; where it would lead need not be there. */
const outside = () => [
  '../outside/secret.png',
  'deep/../../outside/secret.png',
  './../outside',
  '..',
  join(root, 'outside', 'secret.png'),
  join(root, 'chosen-not'),
  '/etc/passwd',
  '/',
  '/dev/zero',
  '/proc/self/environ',
  '~/.ssh/id_ed25519',
  homedir(),
  'link.png',
  'linked',
  'linked/secret.png',
];
/** What a system would ask the network or a device for. */
const unnamed = [
  '//host/share/a.png',
  '\\\\host\\share\\a.png',
  '\\\\?\\C:\\Windows',
  '\\\\.\\COM1',
  'con',
  'NUL.png',
  'deep/aux.txt',
  'com1',
  'LPT9.safetensors',
  'prn ',
  'deep\\con\\x',
  'nul:stream',
];

describe('reading', () => {
  it('is refused outside the chosen folders, links followed, before anything is opened', async () => {
    for (const location of outside())
      await expect(files.locate(location), location).rejects.toMatchObject({
        code: 'NOT_ALLOWED',
        message: expect.stringContaining('--allow'),
      });
    for (const location of unnamed)
      await expect(files.locate(location), location).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    for (const path of [join(root, 'outside', 'secret.png'), join(work, 'link.png'), '//host/share/a', '/dev/zero'])
      for (const read of [files.read, files.size, files.list, files.fingerprint])
        await expect(read(path), path).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(files.fingerprint(join(work, 'model')), 'a folder with a link out of it').rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    });
  });

  it('goes on inside them', async () => {
    for (const location of ['deep/own.png', './deep/own.png', 'deep/../deep/own.png', join(work, 'deep', 'own.png')])
      expect(await files.read(await files.locate(location)), location).toEqual(secret);
    expect(await files.locate(join(root, 'chosen', 'a.png'))).toBe(join(root, 'chosen', 'a.png'));
    expect(await files.locate('../chosen')).toBe(join(root, 'chosen'));
  });

  it('waits for no pipe, and walks in no circle of links', async () => {
    const pipe = join(work, 'pipe.png');
    expect(await files.size(pipe)).toBeUndefined();
    await expect(files.read(pipe)).rejects.toMatchObject({ code: 'READ_FAILED', message: `"${pipe}" is no file.` });
    await expect(files.fingerprint(pipe)).rejects.toMatchObject({ code: 'READ_FAILED' });
    for (const folder of ['deep', 'loop'])
      await expect(files.fingerprint(join(work, folder))).rejects.toMatchObject({
        code: 'READ_FAILED',
        message: expect.stringContaining('is a link to a folder that it lies in'),
      });
  });

  it('is refused for every param of every node that names a file or a model', async () => {
    let tried = 0;
    for (const [type, definition] of library) {
      for (const [name, param] of Object.entries(definition.params)) {
        if (!definition.files || (param.kind !== 'model' && param.kind !== 'file' && param.kind !== 'text')) continue;
        const initial = Object.fromEntries(
          Object.entries(definition.params).map(([key, { initial }]) => [key, initial]),
        );
        const read = name === 'wildcards' ? { text: '__own__' } : {}; // the folder is opened where a text names one
        if (!definition.files({ ...initial, ...read, [name]: 'marked' }).includes('marked')) {
          expect(param.kind, `${type} does not say that it reads ${name}`).toBe('text');
          continue;
        }
        for (const location of ['../outside/secret.png', 'link.png', '/etc/passwd', '//host/share', 'nul']) {
          const others = Object.keys(definition.params).filter(
            (key) => typeof initial[key] === 'string' && key !== name,
          );
          const params = {
            ...Object.fromEntries(others.map((key) => [key, 'deep/own.png'])),
            ...read,
            [name]: location,
          };
          const plan = planRun(graphOf({ node: { type, version: definition.version, params } }), library);
          await expect(runPlan(plan), `${type} ${name} ${location}`).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(60);
  });

  it('says so on the command line, where --allow and --set let the user choose', async () => {
    const load = (path: string) => ({ load: { type: 'input/load-images', params: { path } } });
    const graph = async (path: string) => writeFile(join(work, 'graph.json'), JSON.stringify(graphOf(load(path))));
    const secretly = join(root, 'outside', 'secret.png');
    const run = (...args: string[]) =>
      runCli(['run', join(work, 'graph.json'), '--device', 'cpu', '--out', join(root, 'runs'), ...args], {
        cwd: root,
        env: { NOISELOOM_DATA: join(root, 'data') },
      });
    await graph(secretly);
    const refused = await run();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `NOT_ALLOWED  "Load images" (load): "${secretly}" lies outside the folders that graphs may read.`,
    );
    expect((await run('--allow', join(root, 'outside'))).code).toBe(0);
    expect((await run('--set', `load.path=${secretly}`)).code).toBe(0);
    await mkdir(join(root, 'data'), { recursive: true });
    await writeFile(join(root, 'data', 'chosen.json'), JSON.stringify([secretly])); // by a dialog of the editor
    expect((await run()).code).toBe(0);
  }, 120_000);
});

describe('programs and the network', () => {
  /** What Node makes where a program is started or another machine is asked. */
  const doors = /^(TCP|UDP|PIPE|PROCESS|GETADDRINFO|GETNAMEINFO|QUERY|HTTP|TLS|WORKER)/;

  it('are used by no node, whatever its texts say', async () => {
    const device = await openTestDevice();
    const disk = openFiles(fileFolders(repository));
    const engine = createEngine({ library, device, files: disk, cacheBudget: 0 });
    const addresses = ['http://127.0.0.1:1/a.png', 'file:///etc/passwd', 'ftp://host/a', '$(touch a)', '`id`', '| id'];
    const opened: string[] = [];
    const hook = createHook({
      init: (_id, type) => {
        if (doors.test(type)) opened.push(type);
      },
    }).enable();
    try {
      for (const [type, { params, version }] of library)
        for (const address of addresses) {
          const texts = Object.entries(params).filter(([, { kind }]) => ['text', 'file', 'model'].includes(kind));
          const hostile = Object.fromEntries(texts.map(([name]) => [name, address]));
          const plan = planRun(graphOf({ node: { type, version, params: hostile } }), library);
          await runPlan(plan, device, disk).catch(() => {}); // most lack their inputs
        }
      const text = await readFile(join(repository, 'graphs/templates/first-image.json'), 'utf8');
      const { document } = readGraph(text, library);
      const overrides = {
        'noise.count': 1,
        'sample.steps': 1,
        'prompts.prompts': `a red circle\n${addresses.join(' ')}`,
      };
      expect((await engine.run(document, { overrides }, () => {})).status).toBe('done');
      expect(opened).toEqual([]);
      connect(1, '127.0.0.1').on('error', () => {}); // what a door looks like
      expect(opened).toContain('TCPWRAP');
    } finally {
      hook.disable();
    }
  }, 120_000);
});

describe('writing', () => {
  const names = [
    '../a',
    '/tmp/a',
    'a/../../b',
    'con',
    'NUL',
    'aux.tar',
    'com1',
    'a:b',
    'C:\\a',
    'a\\b',
    '\\\\host\\share\\a',
    'dir./a',
    'dir /a',
    'a\0b',
    '.',
    '..',
    '',
    '.hidden',
    'sub/con/a',
  ];

  it('is refused for every name that leaves the folder or is none on some system', async () => {
    await writeFile(join(work, 'a.png'), secret);
    const engine = createEngine({ library, device: await openTestDevice(), files, cacheBudget: 0 });
    const images = [['load', 'images']] as const;
    const writers: Record<string, GraphNode['inputs']> = {
      'output/save-images': { images },
      'output/image-grid': { images },
      'output/before-after': { before: images, after: images },
      'output/comparison': { images, rewards: [['colour', 'reward']] },
      'output/score-table': { scores: [['score', 'scores']] },
      'output/geneval-table': { images },
    };
    const base = {
      load: { type: 'input/load-images', params: { path: 'a.png' } },
      colour: { type: 'reward/colourfulness' },
      score: { type: 'reward/score', inputs: { images, rewards: [['colour', 'reward']] } },
    } as const;
    for (const [type, inputs] of Object.entries(writers)) {
      for (const name of names) {
        const events: RunEvent[] = [];
        const document = graphOf({
          ...base,
          write: { type, version: library.get(type)!.version, params: { name }, inputs },
        });
        const { status } = await engine.run(document, {}, (event) => events.push(event));
        expect(status, `${type} ${JSON.stringify(name)}`).not.toBe('done');
        expect(events.filter((event) => event.type === 'image' || event.type === 'file')).toEqual([]);
        const problem = events.find((event) => event.type === 'problem');
        expect(problem, `${type} ${JSON.stringify(name)}`).toMatchObject({ problem: { code: 'BAD_PARAM' } });
      }
    }
    for (const name of names.filter((name) => name !== '.hidden')) expect(isPlainName(name), name).toBe(false);
    for (const name of ['a', 'a/b.c', '.a', 'console.png', 'com10', 'a b', 'nullify', '花'])
      expect(isPlainName(name), name).toBe(true);
  }, 120_000);
});

function graphOf(nodes: Readonly<Record<string, Partial<GraphNode>>>): GraphDocument {
  const whole = Object.entries(nodes).map(([id, node]) => [
    id,
    { type: '', version: 1, params: {}, inputs: {}, position: [0, 0], ...node },
  ]);
  return { format: 'noiseloom-graph', version: 2, title: 'Of a stranger', nodes: Object.fromEntries(whole) };
}

const noDevice = { name: 'cpu', description: 'of a test', memory: {} } as const;

function runPlan(plan: ReturnType<typeof planRun>, device: NodeDevice = noDevice, disk = files) {
  const { signal } = new AbortController();
  return runGraph(plan, {
    run: 'r',
    device,
    files: disk,
    cache: new ValueCache(0),
    signal,
    previews: false,
    emit: () => {},
  });
}
