import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPngText } from '../../../nodes/ml/image/pngText.ts';
import { goldenFolder } from '../../support/golden.ts';
import { startHubServer } from '../../support/hubServer.ts';
import { type CliResult, runCli } from '../../support/runCli.ts';
import { storedNode as node } from '../../support/storedNode.ts';

const graph = (nodes: object) => JSON.stringify({ format: 'noiseloom-graph', version: 1, title: 'Rank', nodes });
const ranking = {
  load: node('input/load-images', { path: 'images' }),
  colour: node('reward/colourfulness', {}),
  score: node('reward/score', {}, { images: [['load', 'images']], rewards: [['colour', 'reward']] }),
  top: node('select/top', { keep: 1 }, { images: [['load', 'images']], scores: [['score', 'scores']] }),
  save: node('output/save-images', { name: '{name}' }, { images: [['top', 'images']] }),
  table: node('output/score-table', {}, { scores: [['score', 'scores']] }),
};
/** Drives `top` ten thousand times, so that there is time to interrupt it. */
const slow = {
  ...ranking,
  many: node('input/number-range', { first: 1, step: 0, count: 10_000 }),
  top: node('select/top', {}, { ...ranking.top.inputs, keep: [['many', 'numbers']] }),
};

let cwd: string;
const cli = (args: string[], options: Partial<Parameters<typeof runCli>[1]> = {}) => runCli(args, { cwd, ...options });
const run = (...args: string[]) => cli(['run', 'graphs/rank.json', '--device', 'cpu', ...args]);
const recordOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as Record<string, unknown>;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-cli-'));
  await mkdir(join(cwd, 'graphs/images'), { recursive: true });
  for (const [name, r] of [
    ['grey', 90],
    ['red', 255],
  ] as const) {
    const image = sharp({
      create: {
        width: 8,
        height: 6,
        channels: 3,
        background: { r, g: name === 'red' ? 0 : r, b: name === 'red' ? 0 : r },
      },
    });
    await image.png().toFile(join(cwd, `graphs/images/${name}.png`));
  }
  await writeFile(join(cwd, 'graphs/rank.json'), graph(ranking));
  await writeFile(join(cwd, 'graphs/slow.json'), graph(slow));
}, 120_000);
afterAll(() => rm(cwd, { recursive: true }));

describe('noiseloom run', () => {
  let done: CliResult;
  let folder: string;
  beforeAll(async () => {
    done = await run();
    folder = done.stdout.trim();
  });

  it('prints the run folder and nothing else on stdout', async () => {
    expect(done.code, done.stderr).toBe(0);
    expect(folder.startsWith(join(cwd, 'noiseloom-runs'))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['red.png', 'run.json', 'scores.csv', 'scores.json']);
    expect(await readFile(join(folder, 'scores.csv'), 'utf8')).toMatch(
      /^name,colourfulness\r\ngrey\.png,0\.\d+\r\nred\.png,85\.\d+\r\n$/,
    );
    expect(done.stderr).toContain('[6/6] "Score table" (table)');
    expect(await recordOf(folder)).toMatchObject({
      state: 'done',
      device: { name: 'cpu' },
      versions: { tfjs: expect.any(String) },
    });
  });

  it('runs again from the PNG it made, and to the same image', async () => {
    const again = await cli([
      'run',
      join(folder, 'red.png'),
      '--device',
      'cpu',
      '--set',
      'load.path=graphs/images',
      '--out',
      'again',
    ]);
    expect(again.code, again.stderr).toBe(0);
    const pixels = async (path: string) => (await sharp(path).raw().toBuffer()).toString('hex');
    expect(await pixels(join(again.stdout.trim(), 'red.png'))).toBe(await pixels(join(folder, 'red.png')));
    expect(again.stdout.startsWith(join(cwd, 'again'))).toBe(true);
  });

  it('takes --set paths from the current folder and --only one node', async () => {
    const { code, stdout, stderr } = await run('--set', 'load.path=graphs/images/grey.png', '--only', 'table');
    expect(code, stderr).toBe(0);
    expect((await readdir(stdout.trim())).sort()).toEqual(['run.json', 'scores.csv', 'scores.json']);
    expect(await recordOf(stdout.trim())).toMatchObject({
      overrides: { 'load.path': join(cwd, 'graphs/images/grey.png') },
      targets: ['table'],
    });
  });

  it('takes what --set names as chosen, from the home and with a slash at its end', async () => {
    const env = { HOME: join(cwd, 'home'), USERPROFILE: join(cwd, 'home') };
    await mkdir(join(env.HOME, 'images'), { recursive: true });
    await copyFile(join(cwd, 'graphs/images/red.png'), join(env.HOME, 'images/red.png'));
    for (const path of ['~/images', join(env.HOME, 'images/')]) {
      const args = ['run', 'graphs/rank.json', '--device', 'cpu', '--set', `load.path=${path}`];
      const { code, stderr } = await cli(args, { env });
      expect(code, stderr).toBe(0);
    }
  });

  it('prints events and one result as NDJSON', async () => {
    const result = await run('--json');
    expect(result.code, result.stderr).toBe(0);
    const events = result.json<{ type: string; node?: string; path?: string }>();
    expect(events[0]).toMatchObject({ type: 'run-started', nodes: expect.arrayContaining(['load', 'table']) });
    expect(events.filter(({ type }) => type === 'node-finished')).toHaveLength(6);
    expect(events.find(({ type }) => type === 'image')).toMatchObject({
      node: 'save',
      path: 'red.png',
      bytes: { size: expect.any(Number) },
    });
    expect(events.at(-2)).toMatchObject({ type: 'run-finished', status: 'done' });
    expect(events.at(-1)).toMatchObject({
      type: 'result',
      ok: true,
      status: 'done',
      exitCode: 0,
      runFolder: expect.stringContaining(cwd),
      problems: [],
    });
  });

  it('only says what would run with --dry-run', async () => {
    const before = await readdir(join(cwd, 'noiseloom-runs'));
    const { code, stdout } = await run('--dry-run');
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^"Load images" \(load\)\s+input\/load-images$/);
    const json = await run('--dry-run', '--json', '--set', 'top.keep=2');
    expect(json.json()[0]).toMatchObject({
      ok: true,
      status: 'dry-run',
      steps: expect.arrayContaining([
        { node: 'top', type: 'select/top', params: { keep: 2, by: '', best: 'highest' } },
      ]),
    });
    expect(await readdir(join(cwd, 'noiseloom-runs'))).toEqual(before);
  });

  it('marks the run folder when it is interrupted', async () => {
    let sent = false;
    const { code, stdout, stderr } = await cli(['run', 'graphs/slow.json', '--device', 'cpu'], {
      onStderr(text, kill) {
        if (sent || !text.includes('(many)')) return;
        sent = true;
        kill('SIGINT'); // top, which takes long, is about to start or at work
      },
    });
    expect(code, stderr).toBe(130);
    expect(stderr).toContain('Press Ctrl-C again');
    const { state, nodes } = (await recordOf(stdout.trim())) as {
      state: string;
      nodes: Record<string, { state: string }>;
    };
    expect(state).toBe('interrupted');
    expect(nodes.many?.state).toBe('done');
    expect(nodes.top?.state ?? 'interrupted').toBe('interrupted'); // absent where it did not start
    expect(await readdir(stdout.trim())).toEqual(['run.json']);
  });

  it('fails with 1 where the graph is right but a file is not', async () => {
    await writeFile(join(cwd, 'graphs/broken.png'), 'no image');
    const { code, stdout, stderr } = await run('--set', 'load.path=graphs/broken.png');
    expect(code).toBe(1);
    expect(stderr).toMatch(/BAD_IMAGE {2}"Load images" \(load\): /);
    expect(await recordOf(stdout.trim())).toMatchObject({
      state: 'failed',
      problems: [{ code: 'BAD_IMAGE', at: { node: 'load' } }],
    });
  });
});

describe('a model with random weights', () => {
  const drawing = {
    model: node('model/load-generator', { model: goldenFolder('tiny-sd-turbo') }),
    prompt: node('input/text', { text: 'a red dog' }),
    noise: node('input/noise', { seed: 7, width: 64, height: 64 }, { generator: [['model', 'generator']] }),
    sample: node(
      'generate/sample',
      { steps: 2 },
      { generator: [['model', 'generator']], noise: [['noise', 'noise']], prompt: [['prompt', 'text']] },
    ),
    save: node('output/save-images', { name: 'seed-{seed}' }, { images: [['sample', 'images']] }),
  };
  const allow = ['--allow', goldenFolder('tiny-sd-turbo')];
  const draw = (...args: string[]) => cli(['run', 'draw.json', ...allow, ...args]);
  beforeAll(() => writeFile(join(cwd, 'draw.json'), graph(drawing)));

  it('draws the same image from the same seed, and writes down where it came from', async () => {
    const results = [await draw(), await draw('--set', 'noise.count=2')];
    for (const { code, stderr } of results) expect(code, stderr).toBe(0);
    const [one, two] = results.map(({ stdout }) => join(stdout.trim(), 'seed-7.png')) as [string, string];
    const pixels = async (path: string) => [...(await sharp(path).raw().toBuffer())];
    const [a, b] = [await pixels(one), await pixels(two)];
    expect(a).toHaveLength(64 * 64 * 3);
    expect(Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))))).toBeLessThanOrEqual(1);
    expect(Object.fromEntries(readPngText(await readFile(one)))).toMatchObject({ Prompt: 'a red dog', Seed: '7' });
    expect(await recordOf(results[1]?.stdout.trim() ?? '')).toMatchObject({
      seeds: { 'noise.seed': 7 },
      overrides: { 'noise.count': '2' },
      files: [{ node: 'model', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      outputs: [{ name: 'seed-7.png' }, { name: 'seed-8.png', label: { seed: 8, prompt: 'a red dog' } }],
    });
  });

  it('draws a seed for -1, and writes down which', async () => {
    const { code, stdout, stderr } = await draw('--set', 'noise.seed=-1');
    expect(code, stderr).toBe(0);
    const [, seed] = /noise\.seed is (\d+)/.exec(stderr) ?? [];
    expect(await recordOf(stdout.trim())).toMatchObject({
      seeds: { 'noise.seed': Number(seed) },
      overrides: { 'noise.seed': seed },
      outputs: [{ name: `seed-${seed}.png` }],
    });
  });

  it('stops within one step of sampling', async () => {
    let sent = false;
    const long = ['sample.steps=1000', 'noise.count=64', 'sample.batch=8'].flatMap((set) => ['--set', set]);
    const result = await cli(['run', 'draw.json', '--json', ...allow, ...long], {
      onStdout(text, kill) {
        if (sent || !/"type":"node-progress"[^\n]*"node":"sample"/.test(text)) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(result.code, result.stderr).toBe(130);
    const events = result.json<{ type: string; node?: string; fraction?: number; runFolder?: string }>();
    const steps = events.filter(({ type, node }) => type === 'node-progress' && node === 'sample');
    expect(steps.at(-1)?.fraction).toBeLessThan(0.5); // a few of 8,000 steps
    const folder = events.at(-1)?.runFolder as string;
    expect(await recordOf(folder)).toMatchObject({ state: 'interrupted', nodes: { sample: { state: 'interrupted' } } });
    expect(await readdir(folder)).toEqual(['run.json']);
  });
});

describe('bad input', () => {
  const bad: Record<string, string> = {
    'json.json': '{"format": ',
    'other.json': '{"nodes": {}}',
    'newer.json': '{"format":"noiseloom-graph","version":99,"nodes":{}}',
    'many.json': graph({
      load: node('input/load-images', {}),
      top: node('select/tops', { keep: 1 }),
      score: node(
        'reward/score',
        { x: 1 },
        { images: [['lod', 'images']], prompts: [['load', 'images']], rewards: [['load', 'images']] },
      ),
      save: node('output/save-images', { name: 5 }, { images: [['load', 'image']] }),
    }),
  };
  beforeAll(async () => {
    for (const [name, text] of Object.entries(bad)) await writeFile(join(cwd, name), text);
    const nothing = { width: 2, height: 2, channels: 3, background: '#fff' } as const;
    await sharp({ create: nothing }).png().toFile(join(cwd, 'plain.png'));
  });

  it.each<[string, number, RegExp]>([
    ['rnu graphs/rank.json', 2, /unknown command 'rnu'\s.*Did you mean run\?/],
    ['run graphs/rank.json --devise cpu', 2, /unknown option '--devise'\s.*Did you mean --device\?/],
    ['run graphs/rank.json --device natve', 2, /no device "natve"\. Did you mean "native"\?/],
    ['run graphs/rnk.json', 2, /There is no graph "graphs\/rnk\.json"\. Did you mean "rank\.json"\?/],
    ['run graphs', 2, /"graphs" is a folder/],
    ['run plain.png', 2, /a PNG without a graph/],
    ['run template:nothing-like-it', 2, /There is no template "nothing-like-it"/],
    ['run json.json', 2, /not readable as JSON/],
    ['run other.json', 2, /not a Noiseloom graph: it has no format/],
    ['run newer.json', 2, /format version 99/],
    ['run graphs/rank.json --set top.kep=2', 2, /"Top" \(top\) has no param "kep"\. Did you mean "keep"\?/],
    ['run graphs/rank.json --set top.keep=0', 2, /must be a whole number from 1 to 1000/],
    [
      'run graphs/rank.json --set top.best=highst',
      2,
      /cannot be "highst"\. Did you mean "highest"\? It must be one of/,
    ],
    ['run graphs/rank.json --device cpu --out graphs/rank.json', 1, /The run folder .* cannot be written/],
    ['run graphs/rank.json --set top', 2, /--set "top" has no value/],
    ['run graphs/rank.json --only tap', 2, /no node "tap"\. Did you mean "top"\?/],
    ['run graphs/rank.json --dry-run --set load.path=nowhere', 2, /"Load images" \(load\): There is no "nowhere"/],
    ['nodes generate/sampel', 2, /no node "generate\/sampel"\. Did you mean "generate\/sample"\?/],
    ['bench engin', 2, /no benchmark "engin"\. Did you mean "engine"\?/],
    ['models pull no/such/name', 2, /is no hub name/],
    ['models pul x', 2, /unknown command 'pul'\s.*Did you mean pull\?/],
    ['verify nowhere --device cpu', 1, /There is no "nowhere"/],
  ])('noiseloom %s', async (line, code, message) => {
    const result = await cli(line.split(' '));
    expect(result.stdout + result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toMatch(/^ {4}at /m);
  });

  it('lists all problems of a graph at once', async () => {
    const { code, stdout } = await cli(['check', 'many.json']);
    expect(code).toBe(2);
    for (const expected of [
      /"Load images" \(load\): the param path is ""/,
      /select\/tops.*Did you mean "select\/top"\?/,
      /no param "x"/,
      /node "lod", which is not in the graph\. Did you mean "load"\?/,
      /no input "prompts"\. Did you mean "prompt"\?/,
      /"rewards" takes reward, but "Load images" \(load\) gives images/,
      /the param name is 5/,
      /the output "image", which .* does not have\. Did you mean "images"\?/,
    ])
      expect(stdout).toMatch(expected);
    const json = await cli(['check', 'many.json', '--json']);
    expect(json.json()).toMatchObject([
      {
        ok: false,
        exitCode: 2,
        problems: expect.arrayContaining([expect.objectContaining({ code: 'UNKNOWN_TYPE', at: { node: 'top' } })]),
      },
    ]);
  });

  it('gives an envelope for bad usage with --json', async () => {
    const { code, stdout } = await cli(['run', 'graphs/rank.json', '--json', '--frobnicate']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'result', ok: false, exitCode: 2, problems: [{ code: 'USAGE' }] });
  });
});

describe('other commands', () => {
  it('lists and describes nodes', async () => {
    const list = await cli(['nodes']);
    expect(list.stdout).toMatch(/^generate\/sample\s+Draws an image/m);
    const one = await cli(['nodes', 'best-of-n']);
    expect(one.stdout).toContain('Best of N  (optimise/best-of-n, version 1)');
    expect(one.stdout).toMatch(
      /candidates\s+16\s+N: how many noises are tried\. Allowed: a whole number from 1 to 10000\./,
    );
    const json = await cli(['nodes', 'select/top', '--json']);
    expect(json.json()[0]).toMatchObject({ type: 'select/top', params: { keep: { kind: 'integer' } } });
  });

  it('names every device, and why it cannot be used', async () => {
    const rows =
      (await cli(['devices', '--json'])).json<{ name: string; available: boolean; description: string }[]>()[0] ?? [];
    expect(rows.map(({ name }) => name)).toEqual(['cuda', 'native', 'webgpu', 'wasm', 'cpu']);
    expect(rows.at(-1)).toMatchObject({ available: true });
    for (const { description } of rows) expect(description.length).toBeGreaterThan(10);
  });

  it('pulls a model from a hub and lists it', async () => {
    const weights = new Uint8Array(5000).fill(7);
    const server = await startHubServer('a/b', {
      'config.json': new Uint8Array(4),
      'model.safetensors': weights,
      'model.bin': weights,
    });
    try {
      const env = { NOISELOOM_MODELS: join(cwd, 'models'), HF_ENDPOINT: server.endpoint, HF_TOKEN: undefined };
      const dry = await cli(['models', 'pull', 'a/b', '--dry-run'], { env });
      expect(dry.stdout).toMatch(/^config\.json +4 bytes\nmodel\.safetensors +5\.00 kB\n$/);
      Object.assign(server.behaviour, { breakAfter: 1000, breaks: 4, arrivesIn: join(cwd, 'models') });
      let stop = () => {};
      const onStderr = (_: string, kill: (signal: NodeJS.Signals) => void) => {
        stop = () => kill('SIGINT');
      };
      server.behaviour.onBreak = () => stop();
      expect(await cli(['models', 'pull', 'a/b'], { env, onStderr })).toMatchObject({ code: 130, stdout: '' });
      Object.assign(server.behaviour, { breaks: 0 });
      const { code, stdout, stderr } = await cli(['models', 'pull', 'a/b'], { env });
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('2 files, 5.00 kB');
      expect(stdout.trim()).toBe(join(cwd, 'models/a/b'));
      expect((await readdir(stdout.trim())).sort()).toEqual(['.pulled.json', 'config.json', 'model.safetensors']);
      expect((await cli(['models', 'list'], { env })).stdout).toMatch(/^a\/b +5\.00 kB +\S+models\/a\/b$/m);
      expect((await cli(['models', 'path'], { env })).stdout.trim()).toBe(join(cwd, 'models'));
      const missing = await cli(['models', 'pull', 'a/c'], { env });
      expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('has no model "a/c"') });
    } finally {
      await server.close();
    }
  });
});
