import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../nodes/errors.ts';
import { collect } from './collect.ts';
import { abortOnInterrupt } from './interrupt.ts';
import { parseDevice } from './parseDevice.ts';
import { print, printJson, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface ServeFlags {
  readonly runs: string;
  readonly device?: string;
  readonly host: string;
  readonly port?: string;
  readonly allow?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly json?: boolean;
}

/** The port when none is asked for; another where it is taken. */
const USUAL_PORT = 4640;

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .summary('show the editor in a browser')
    .description(
      'Serves the editor to a browser on this machine and prints its address, which contains the access token.',
    )
    .argument('[folder]', 'the folder of graphs', '.')
    .option('-o, --runs <folder>', 'where the folders of runs are made', 'noiseloom-runs')
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu; by default as chosen in the editor')
    .option('--host <address>', 'the address to listen on; others than loopback are not encrypted', '127.0.0.1')
    .option('-p, --port <number>', `by default ${USUAL_PORT}, or another where that is taken`)
    .option('--allow-host <name>', 'a further name by which browsers reach this machine (repeat for more)', collect)
    .option(
      '--allow <path>',
      'a folder or file that graphs may read besides theirs and models (repeat for more)',
      collect,
    )
    .option('--json', 'print the address as JSON')
    .addHelpText('after', '\nFrom another machine: ssh -L 4640:localhost:4640 gpu-box, then open the address here.')
    .action(serve);
}

async function serve(folder: string, flags: ServeFlags): Promise<void> {
  const [{ startServer }, { EngineHost, listDevices }, { forkEngine }, { dataFolder, packageFolder }, { preferences }] =
    await Promise.all([
      import('../server/server.ts'),
      import('../host/engineHost.ts'),
      import('../host/forkEngine.ts'),
      import('../files/folders.ts'),
      import('../host/preferences.ts'),
    ]);
  const graphs = resolve(folder);
  if (!existsSync(graphs)) throw new UsageError(`There is no folder "${graphs}".`, 'NOT_FOUND');
  const port = flags.port === undefined ? undefined : Number(flags.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65536))
    throw new UsageError(`--port ${flags.port} is no port: it is a whole number from 0 to 65535.`);
  const folders = { data: dataFolder(), graphs, runs: resolve(flags.runs) };
  const chosen = await preferences(folders.data).read();
  const device = flags.device === undefined ? chosen.device : parseDevice(flags.device);
  await buildWindow(packageFolder);
  const allowed = (flags.allow ?? []).map((place) => resolve(place));
  const { memoryShare } = chosen;
  const start = { device, runsFolder: folders.runs, workingFolder: graphs, allowed, memoryShare };
  const host = new EngineHost(forkEngine, start);
  const options = {
    folders,
    host,
    address: flags.host,
    names: [flags.host, ...(flags.allowHost ?? [])].map((name) => name.toLowerCase()),
    listDevices: () => listDevices(forkEngine),
    log: remark,
  };
  const { signal } = await abortOnInterrupt();
  host.onState((state) => {
    if (state.state === 'ready') remark(`Running on ${state.device.name}: ${state.device.description}`);
    else if (state.state === 'stopped') remark(state.problem.message);
  });
  const server = await startServer({ ...options, port: port ?? USUAL_PORT }).catch((error) => {
    if (port !== undefined) throw error;
    return startServer({ ...options, port: 0 });
  });
  host.start();
  if (flags.json) printJson({ type: 'serving', url: server.url });
  else {
    remark('Open this address in a browser. Whoever has it can run graphs and read run folders. Ctrl-C ends it.');
    print(server.url);
  }
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  host.stop();
  await server.close();
}

/** In a checkout the window is built when its sources changed; an installed package brings it along. */
async function buildWindow(packageFolder: string): Promise<void> {
  const [run, script] = ['run.mjs', 'build.ts'].map((name) => join(packageFolder, 'build', name)) as [string, string];
  if (!existsSync(script)) return;
  const child = spawn(process.execPath, [run, script, 'window'], { stdio: ['ignore', 2, 2] });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new UserError('BUILD_FAILED', 'The window could not be built; see above.');
}
