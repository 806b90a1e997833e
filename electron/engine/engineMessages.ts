import type { Problem } from '../../graphs/document/problems.ts';
import type { DeviceName, DevicePreference } from '../../nodes/ml/deviceNames.ts';
import type { DeviceRow } from '../devices/tryDevices.ts';

/** What the engine's process is started with. */
export interface EngineStart {
  readonly device: DevicePreference;
  /** Where run folders are made, and what relative paths of a graph without a file start from; absolute. */
  readonly runsFolder: string;
  readonly workingFolder: string;
  /** The part of the memory in which results are kept; half by default. */
  readonly memoryShare?: number;
  /** What graphs may read besides what the user chose in the window: absolute paths of files and folders. */
  readonly allowed?: readonly string[];
}

/** From the owner of the engine's process. Where ports can travel (Electron), `connect` brings one, and no `message` comes. */
export type ToEngine =
  | { readonly type: 'start'; readonly start: EngineStart }
  | { readonly type: 'ping' }
  /** Answers `open-window` with two ports: to an engine in a page, and for the files that it reads. */
  | { readonly type: 'window' }
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
  /** Asks Electron's main process for a hidden window that computes by WebGPU; `asked` as in `DeviceBackend.open`. */
  | { readonly type: 'open-window'; readonly asked: boolean }
  /** Says why it ends, right before it does. */
  | { readonly type: 'ending'; readonly reason: string }
  | { readonly type: 'devices'; readonly rows: readonly DeviceRow[] }
  | { readonly type: 'message'; readonly connection: number; readonly message: unknown };
