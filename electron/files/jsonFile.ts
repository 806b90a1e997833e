import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, writeAtomic } from './disk.ts';

/** A value that is kept in a file of its own as JSON. */
export interface JsonFile<Value> {
  /** What is in the file; `initial` where there is none or what is there cannot be read. */
  read(): Promise<Value>;
  /** Changes the value and writes it, one change after the other. */
  change(change: (value: Value) => Value): Promise<Value>;
}

/** `isValue` looks at what was read: the file may be of another version, or of another hand. */
export function jsonFile<Value>(path: string, initial: Value, isValue: (found: unknown) => boolean): JsonFile<Value> {
  let queue: Promise<unknown> = Promise.resolve();
  const read = async () => {
    try {
      const found: unknown = JSON.parse(await readFile(path, 'utf8'));
      return isValue(found) ? (found as Value) : initial;
    } catch {
      return initial;
    }
  };
  return {
    read,
    change(change) {
      const next = queue.then(async () => {
        const value = change(await read());
        await makeFolder(dirname(path));
        await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
        return value;
      });
      queue = next.catch(() => undefined);
      return next;
    },
  };
}
