import { UserError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import type { Checkpoint } from './checkpoint.ts';
import { seemsLike } from './fileKinds.ts';
import { stateDict } from './mappedCheckpoint.ts';
import { isNeedless } from './needless.ts';
import { openCheckpoint } from './openCheckpoint.ts';
import { unscaled } from './scaledFloats.ts';

/** A checkpoint of which every tensor is used, known to be needless, or a reason to stop. */
export interface WholeFile extends Checkpoint {
  /** Counts tensors as used that this model has a reason not to take. */
  setAside(names: readonly string[]): void;
  /** Tensors that nobody asked for by `entry`, that were not set aside and are not known to be needless. */
  unknown(): string[];
}

/**
 * Opens the file of a model: what a trainer saved beside its `state_dict` counts as needless, and scaled weights as plain
 * ones. Throws as `openCheckpoint` and `unscaled` do.
 */
export async function openWhole(files: Files, path: string): Promise<WholeFile> {
  return wholeFile(await unscaled(stateDict(await openCheckpoint(files, path))));
}

/** The same checkpoint, which remembers what it was asked for. */
export function wholeFile(file: Checkpoint): WholeFile {
  const used = new Set<string>();
  return {
    ...file,
    entry(name) {
      const entry = file.entry(name);
      used.add(name);
      return entry;
    },
    setAside(names) {
      for (const name of names) used.add(name);
    },
    unknown: () => file.names().filter((name) => !used.has(name) && !isNeedless(name)),
  };
}

/** Throws UserError `UNKNOWN_WEIGHTS` where a file holds what its reader does not understand. `title`: what was read. */
export function requireNothingUnknown(file: WholeFile, title: string): void {
  const unknown = file.unknown();
  if (unknown.length === 0) return;
  const named = unknown.slice(0, 3).join(', ') + (unknown.length > 3 ? ', ...' : '');
  throw new UserError(
    'UNKNOWN_WEIGHTS',
    `"${file.path}" holds ${unknown.length} of ${file.names().length} tensors that have no place in this ${title} (${named}), so it would not be what the file means.${seemsLike(unknown)}`,
  );
}
