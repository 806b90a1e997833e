import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageFolder } from '../../electron/files/folders.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout, parsed. */
  json<Line = Record<string, unknown>>(): Line[];
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with all of stdout or stderr so far, whenever it grows; may end the process. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly onStderr?: CliOptions['onStdout'];
}

/** Runs the bundled command line in a process of its own, as a user would. */
export function runCli(args: readonly string[], { cwd, env, onStdout, onStderr }: CliOptions): Promise<CliResult> {
  const script = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'electron/cli/cli.ts'), ...args];
  const child = spawn(process.execPath, script, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    onStdout?.(String(Buffer.concat(stdout)), (signal) => child.kill(signal));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
    onStderr?.(String(Buffer.concat(stderr)), (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const out = String(Buffer.concat(stdout));
      const json = <Line>() =>
        out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Line);
      resolve({ code, stdout: out, stderr: String(Buffer.concat(stderr)), json });
    });
  });
}
