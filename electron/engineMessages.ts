import type { Problem } from '../graphs/errors.ts';
import type { DeviceName, DevicePreference } from '../nodes/ml/deviceNames.ts';
import type { DeviceRow } from './devices/tryDevices.ts';

/** What the engine's process is started with. */
export interface EngineStart {
  readonly device: DevicePreference;
  /** Where run folders are made, and what relative paths of a graph without a file start from; absolute. */
  readonly runsFolder: string;
  readonly workingFolder: string;
}

/** From the owner of the engine's process. Where ports can travel (Electron), `connect` brings one, and no `message` comes. */
export type ToEngine =
  | { readonly type: 'start'; readonly start: EngineStart }
  | { readonly type: 'ping' }
  /** Instead of `start`: answered by `devices`, after which the process is of no more use. */
  | { readonly type: 'list-devices' }
  | { readonly type: 'connect'; readonly connection: number }
  | { readonly type: 'message'; readonly connection: number; readonly message: unknown }
  | { readonly type: 'disconnect'; readonly connection: number };

/** To the owner. `ready` or `failed` answers `start`. */
export type FromEngine =
  | { readonly type: 'ready'; readonly device: { readonly name: DeviceName; readonly description: string } }
  | { readonly type: 'failed'; readonly problem: Problem }
  | { readonly type: 'pong' }
  | { readonly type: 'devices'; readonly rows: readonly DeviceRow[] }
  | { readonly type: 'message'; readonly connection: number; readonly message: unknown };
