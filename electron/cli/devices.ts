import type { Command } from 'commander';
import type { DeviceRow } from '../devices/tryDevices.ts';
import { bytesInWords, columns, print, printJson } from './terminal.ts';

export function addDevicesCommand(program: Command): void {
  program
    .command('devices')
    .summary('list the devices that can compute')
    .description('Lists every device, what it is, and why those that cannot be used cannot.')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { tryDevices } = await import('../devices/tryDevices.ts');
      const rows = await tryDevices();
      if (json) printJson(rows);
      else
        print(
          columns(
            rows.map((row) => [
              row.chosen ? '*' : ' ',
              row.name,
              row.available ? describeMemory(row) : '-',
              row.description,
            ]),
          ),
        );
    });
}

function describeMemory({ totalBytes, freeBytes }: DeviceRow): string {
  if (freeBytes !== undefined) return `${bytesInWords(freeBytes)} free`;
  return totalBytes === undefined ? 'memory unknown' : bytesInWords(totalBytes);
}
