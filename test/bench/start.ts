import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFolder } from '../../electron/files/folders.ts';
import { median, printJson, printTable } from './speed/figures.ts';

/*
 * How long the command line takes to begin: `run` until its first node starts, `check` until it ends, and Node.js with an
 * empty program beside them. Prints a table and whether the goals are met, then the same as JSON; exits 1 where one is not.
 *
 *   npm run bench -- start [--rounds N]
 */
const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const rounds = Number(options.rounds);
const cli = join(packageFolder, 'build', 'noiseloom.mjs');
const folder = await mkdtemp(join(tmpdir(), 'noiseloom-start-'));
const graph = 'template:first-image';

/** What is started; by its end, or by what it prints `until` it counts as begun. */
const cases: Readonly<Record<string, { args: readonly string[]; until?: string; goal?: number }>> = {
  'node alone': { args: ['-e', '0'] },
  help: { args: [cli, '--help'] },
  check: { args: [cli, 'check', graph], goal: 0.25 },
  'run, native': {
    args: [cli, 'run', graph, '--device', 'native', '--json', '--out', folder],
    until: 'node-started',
    goal: 1,
  },
  'run, wasm': { args: [cli, 'run', graph, '--device', 'wasm', '--json', '--out', folder], until: 'node-started' },
};

/** Seconds until the program prints `until`, or ends. */
async function startOf({ args, until }: (typeof cases)[string]): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done, failed) => child.on('close', () => done()).on('error', failed));
  let printed = '';
  const seen = new Promise<void>((done) => {
    child.stdout.on('data', (text) => {
      printed += text;
      if (until && printed.includes(until)) done();
    });
  });
  await (until ? Promise.race([seen, ended]) : ended);
  const seconds = (performance.now() - start) / 1000;
  if (until && !printed.includes(until)) throw new Error(`"${args.join(' ')}" ended without ${until}: ${printed}`);
  child.kill('SIGKILL');
  await ended;
  return seconds;
}

try {
  const named = Object.entries(cases);
  const times = named.map((): number[] => []);
  for (const [, each] of named) await startOf(each); // the first also builds
  for (let round = 0; round < rounds; round++)
    for (const [i, [, each]] of named.entries()) times[i]!.push(await startOf(each));
  const rows = named.map(([name, { goal }], i) => {
    const overNode = median(times[i]!.map((seconds, round) => seconds / times[0]![round]!));
    return { name, seconds: median(times[i]!), least: Math.min(...times[i]!), overNode, goal };
  });
  printTable(
    ['', 'seconds', 'least', 'x node alone', 'goal'],
    rows.map(({ name, seconds, least, overNode, goal }) => [name, seconds, least, overNode, goal ?? Number.NaN]),
  );
  for (const { name, least, goal } of rows)
    if (goal !== undefined)
      console.log(`${least <= goal ? 'ok  ' : 'FAIL'}  ${name}: ${least.toFixed(2)} s at the least, goal ${goal}`);
  process.exitCode = rows.every(({ least, goal }) => goal === undefined || least <= goal) ? 0 : 1;
  printJson({ bench: 'start', rows });
} finally {
  await rm(folder, { recursive: true });
}
