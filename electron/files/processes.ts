import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Names a process for good: a pid alone is given to another process some time after its end. */
export interface ProcessMark {
  readonly pid: number;
  /** As `readProcessStart` tells; absent where the system does not tell it, and in records of the first versions. */
  readonly processStart?: string;
}

/** The mark of this process. */
export function markProcess(): ProcessMark {
  const processStart = readProcessStart(process.pid);
  return { pid: process.pid, ...(processStart === undefined ? {} : { processStart }) };
}

/** Whether a marked process still runs. `marked`: milliseconds since 1970 when it ran for sure. */
export function isRunning({ pid, processStart }: ProcessMark, marked: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false; // of a stranger: to ask for others asks for whole groups
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const start = readProcessStart(pid);
  if (start === ENDED) return false;
  if (processStart !== undefined && start !== undefined) return start === processStart;
  return marked > Date.now() - uptime() * 1000; // since the machine started
}

/** Of a process that ended, but that its parent has not asked for. */
const ENDED = 'ended';

/**
 * When a process started, in the system's own words, which are to be compared only: on Linux the boot and the ticks since
 * then, field 22 of /proc/PID/stat (proc(5)), elsewhere what `ps` says. Undefined where it cannot be had.
 */
function readProcessStart(pid: number): string | undefined {
  try {
    if (process.platform === 'win32') return undefined;
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
    if (fields[0] === 'Z' || fields[0] === 'X') return ENDED;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
