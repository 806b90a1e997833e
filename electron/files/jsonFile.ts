import { rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { makeFolder, readTextIfThere, writeAtomic } from './disk.ts';

/** A value that is kept in a file of its own as JSON. */
export interface JsonFile<Value> {
  /**
   * What is in the file; `initial` where there is none or what is there is no such value. Throws UserError `READ_FAILED`
   * where the disk does not give it.
   */
  read(): Promise<Value>;
  /**
   * Changes the value and writes it, one change after the other. What is there but is no such value is kept beside it
   * under another name, which is told. Throws UserError `READ_FAILED` and `WRITE_FAILED`, and then the file is as it was.
   */
  change(change: (value: Value) => Value): Promise<Value>;
}

/** Hears a sentence for the user. */
export type Tell = (sentence: string) => void;

/**
 * `isValue` looks at what was read: the file may be of another version, or of another hand. `tell` is where a window is to
 * show, besides stderr, that a file was kept aside.
 */
export function jsonFile<Value>(
  path: string,
  initial: Value,
  isValue: (found: unknown) => boolean,
  tell?: Tell,
): JsonFile<Value> {
  let queue: Promise<unknown> = Promise.resolve();
  const read = async () => {
    const text = await readTextIfThere(path);
    if (text === undefined) return { value: initial, isUnknown: false };
    try {
      const found: unknown = JSON.parse(text);
      if (isValue(found)) return { value: found as Value, isUnknown: false };
    } catch {
      // no JSON
    }
    return { value: initial, isUnknown: true };
  };
  return {
    read: async () => (await read()).value,
    change(change) {
      const next = queue.then(async () => {
        const found = await read();
        const value = change(found.value);
        await makeFolder(dirname(path));
        if (found.isUnknown) {
          const sentence = await keepAside(path);
          process.stderr.write(`${sentence}\n`);
          tell?.(sentence);
        }
        await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
        return value;
      });
      queue = next.catch(() => undefined);
      return next;
    },
  };
}

/** Renames a file, and says so. */
async function keepAside(path: string): Promise<string> {
  const aside = `${path}.${new Date().toISOString().replaceAll(':', '')}.unreadable`;
  await rename(path, aside);
  return `"${path}" could not be understood, so it was kept as "${basename(aside)}" and begun anew.`;
}
