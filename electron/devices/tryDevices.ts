import { UserError } from '../../nodes/errors.ts';
import { type DeviceName, deviceNames, openDevice } from '../../nodes/ml/device.ts';
import { devices } from './devices.ts';

export interface DeviceRow {
  readonly name: DeviceName;
  readonly available: boolean;
  /** Whether `--device auto` takes it. */
  readonly chosen: boolean;
  /** What it is, or why it cannot be used. */
  readonly description: string;
  readonly totalBytes?: number;
  readonly freeBytes?: number;
}

/** Opens each device in order of preference. They stay open, so a process does this once. */
export async function tryDevices(): Promise<DeviceRow[]> {
  const auto = await openDevice('auto', devices).catch(() => undefined);
  const rows: DeviceRow[] = [];
  for (const name of deviceNames) {
    try {
      const { description, memory } = name === auto?.name ? auto : await openDevice(name, devices);
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
        description: explainUnavailable(error),
      });
    }
  }
  return rows;
}

/** Why a device is unavailable, without the advice to take another. */
function explainUnavailable(error: unknown): string {
  const reason = error instanceof UserError ? error.cause : error;
  return reason instanceof Error ? reason.message : String(reason);
}
