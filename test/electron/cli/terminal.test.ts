import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columns } from '../../../electron/cli/terminal.ts';
import { packageFolder } from '../../../electron/files/folders.ts';
import { startHubServer } from '../../support/hubServer.ts';
import { type CliResult, runCli } from '../../support/runCli.ts';

/*
 * Titles, types, names, messages and prompts of strangers reach a terminal without anything that it would obey: OSC, CSI,
 * carriage returns, backspaces, C1, and marks that turn the reading direction.
 */

const evil = 'X\u001b]0;PWNED\u0007\u001b[2J\u009b31m\b\r\u202e\u2066\u007fY';
/** As a terminal shows it. */
const shown = 'X\\u001b]0;PWNED\\u0007\\u001b[2J\\u009b31m\\u0008\\u000d\\u202e\\u2066\\u007fY';
/** No file of Linux has a `/` in its name, and all else may be. */
const evilName = evil;
const obeyed = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

let cwd: string;
let env: Readonly<Record<string, string | undefined>>;
const noiseloom = (...args: string[]) => runCli(args, { cwd, env });

/** What a command said, which a terminal obeys nothing of; one of its streams shows what the stranger wrote. */
function isClean({ stdout, stderr }: CliResult, told = shown): void {
  for (const text of [stdout, stderr])
    for (const [i, line] of text.split('\n').entries())
      expect(obeyed.test(line), `line ${i}: ${JSON.stringify(line)}`).toBe(false);
  expect(stdout + stderr).toContain(told);
}

const graph = (nodes: object) => JSON.stringify({ format: 'noiseloom-graph', version: 2, title: evil, nodes });
const node = (type: string, more: object) => ({
  ...{ type, version: 1, position: [0, 0], params: {}, inputs: {}, title: evil },
  ...more,
});

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-terminal-'));
  const models = join(cwd, 'models');
  env = { NOISELOOM_MODELS: models, NOISELOOM_DATA: join(cwd, 'data'), HF_HUB_CACHE: join(cwd, 'hub') };
  await mkdir(join(cwd, 'hub', `models--owner--${evilName}`), { recursive: true });
  await mkdir(join(models, 'owner', 'record'), { recursive: true });
  const record = { name: evil, commit: evil, files: [{ path: evil, size: 1 }] };
  await writeFile(join(models, 'owner', 'record', '.pulled.json'), JSON.stringify(record));
  await mkdir(join(cwd, evilName));
  await writeFile(join(cwd, evilName, 'a.png'), evil);
  await writeFile(join(cwd, 'wrong.json'), graph({ [evil]: node(evil, { params: { [evil]: evil } }) }));
  await writeFile(join(cwd, 'no-json.json'), `{${evil}`);
  await writeFile(join(cwd, 'other.json'), JSON.stringify({ format: evil }));
  const load = node('input/load-images', { params: { path: `${evilName}/a.png` } });
  await writeFile(
    join(cwd, 'unread.json'),
    graph({ load, show: node('output/image-grid', { inputs: { images: [['load', 'images']] } }) }),
  );
  const drawn = {
    generator: node('model/load-generator', { params: { model: 'builtin:world' } }),
    noise: node('input/noise', { params: { count: 1, seed: 1 }, inputs: { generator: [['generator', 'generator']] } }),
    prompts: node('input/prompt-list', { params: { prompts: evil } }),
    sample: node('generate/sample', {
      params: { steps: 1 },
      inputs: {
        generator: [['generator', 'generator']],
        noise: [['noise', 'noise']],
        prompt: [['prompts', 'prompts']],
      },
    }),
    save: node('output/save-images', {
      params: { name: '{prompt}-{seed}' },
      inputs: { images: [['sample', 'images']] },
    }),
  };
  await writeFile(join(cwd, 'drawn.json'), graph(drawn));
});
afterAll(() => rm(cwd, { recursive: true }));

describe('what a stranger wrote is shown escaped', () => {
  it('by check, of graphs and of files that are none', async () => {
    isClean(await noiseloom('check', 'wrong.json'));
    isClean(await noiseloom('check', 'no-json.json'), 'not readable as JSON');
    isClean(await noiseloom('check', 'other.json'), 'PWNED');
    isClean(await noiseloom('check', 'drawn.json'));
    isClean(await noiseloom('check', `${evilName}.json`));
    const { stdout } = await noiseloom('check', 'drawn.json', '--json');
    expect(obeyed.test(stdout.trimEnd())).toBe(false);
    expect(JSON.parse(stdout)).toMatchObject({ title: evil });
  }, 300_000);

  it('by run and rerun, in the run folder and in its name', async () => {
    const ran = await noiseloom('run', 'drawn.json', '--device', 'cpu', '--out', 'runs');
    expect(ran.code, ran.stderr).toBe(0);
    isClean(ran, 'PWNED');
    isClean(await noiseloom('run', 'unread.json', '--device', 'cpu', '--out', 'runs'));
    const json = await noiseloom('run', 'unread.json', '--device', 'cpu', '--out', 'runs', '--json');
    expect(json.stdout.split('\n').some((line) => obeyed.test(line))).toBe(false);
    expect(json.json().length).toBeGreaterThan(0);
    const folders = await readdir(join(cwd, 'runs'));
    for (const folder of folders) {
      for (const name of [folder, ...(await readdir(join(cwd, 'runs', folder)))]) expect(obeyed.test(name)).toBe(false);
      const record = await readFile(join(cwd, 'runs', folder, 'run.json'), 'utf8');
      expect(record.split('\n').some((line) => obeyed.test(line))).toBe(false);
      expect((JSON.parse(record) as { graph: { document: { title: string } } }).graph.document.title).toBe(evil);
    }
    isClean(await noiseloom('rerun', join('runs', folders.sort()[0]!), '--device', 'cpu'));
    isClean(await noiseloom('rerun', evilName));
  }, 300_000);

  it('by models: folders of models, and what a hub lists', async () => {
    isClean(await noiseloom('models', 'list'));
    const hub = await startHubServer('owner/model', { 'a.bin': Uint8Array.of(1), [evilName]: Uint8Array.of(2) });
    try {
      isClean(await noiseloom('models', 'pull', 'owner/model', '--endpoint', hub.endpoint), 'PWNED');
      isClean(await noiseloom('models', 'pull', 'owner/model', '--endpoint', hub.endpoint, '--dry-run'), 'PWNED');
    } finally {
      await hub.close();
    }
    isClean(await noiseloom('models', 'pull', evil));
  }, 300_000);

  it('by every other command, of what it was given', async () => {
    isClean(await noiseloom('score', evilName, '--reward', 'colourfulness', '--device', 'cpu'));
    isClean(await noiseloom('score', evilName, '--reward', evil));
    isClean(await noiseloom('nodes', evil));
    isClean(await noiseloom('train', evil));
    isClean(await noiseloom('verify', evilName, '--device', 'cpu'));
    isClean(await noiseloom('bench', evil));
    isClean(await noiseloom('serve', '--device', evil));
    isClean(await noiseloom('serve', '--port', evil), 'PWNED');
    isClean(await noiseloom('devices', `--${evil}`), 'PWNED');
    isClean(await noiseloom(evil), 'PWNED');
  }, 300_000);
});

it('is kept to its row in a table', () => {
  expect(
    columns([
      [`a\n${evil}`, 'b'],
      ['c', 'd'],
    ]).split('\n'),
  ).toHaveLength(2);
});

it('goes out in one place: no command writes to the terminal by itself', async () => {
  const folder = join(packageFolder, 'electron', 'cli');
  for (const name of await readdir(folder)) {
    if (name === 'terminal.ts') continue;
    const source = await readFile(join(folder, name), 'utf8');
    const direct = source.match(/console\.\w+\(|\.(stdout|stderr)\.write\((?!'')/g);
    expect(direct, name).toBeNull();
  }
});
