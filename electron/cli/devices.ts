import type { Command } from 'commander';
import { GraphError } from '../../nodes/errors.ts';
import { bytesInWords, columns, print, printJson } from './terminal.ts';

interface DeviceRow {
  readonly name: string;
  readonly available: boolean;
  /** Whether `--device auto` takes it. */
  readonly chosen: boolean;
  readonly description: string;
  readonly totalBytes?: number;
  readonly freeBytes?: number;
}

export function addDevicesCommand(program: Command): void {
  program
    .command('devices')
    .summary('list the devices that can compute')
    .description('Lists every device, what it is, and why those that cannot be used cannot.')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const rows = await tryDevices();
      if (json) printJson(rows);
      else
        print(
          columns(
            rows.map((row) => [row.chosen ? '*' : ' ', row.name, row.available ? memoryOf(row) : '-', row.description]),
          ),
        );
    });
}

/** Starts one device after the other in the order of liking. */
async function tryDevices(): Promise<DeviceRow[]> {
  const [{ startDevice }, { deviceNames }] = await Promise.all([
    import('./session.ts'),
    import('../../nodes/ml/device.ts'),
  ]);
  const auto = await startDevice('auto').catch(() => undefined);
  const rows: DeviceRow[] = [];
  for (const name of deviceNames) {
    try {
      const { description, memory } = name === auto?.name ? auto : await startDevice(name);
      const freeBytes = memory.freeBytes?.();
      rows.push({
        name,
        available: true,
        chosen: name === auto?.name,
        description,
        ...(memory.totalBytes === undefined ? {} : { totalBytes: memory.totalBytes }),
        ...(freeBytes === undefined ? {} : { freeBytes }),
      });
    } catch (error) {
      rows.push({
        name,
        available: false,
        chosen: false,
        description: reasonOf(error),
      });
    }
  }
  return rows;
}

/** Why a device cannot be had, without the advice to take another. */
function reasonOf(error: unknown): string {
  const reason = error instanceof GraphError ? error.cause : error;
  return reason instanceof Error ? reason.message : String(reason);
}

function memoryOf({ totalBytes, freeBytes }: DeviceRow): string {
  if (freeBytes !== undefined) return `${bytesInWords(freeBytes)} free`;
  return totalBytes === undefined ? 'memory unknown' : bytesInWords(totalBytes);
}
