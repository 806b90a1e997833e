import { UserError } from '../../nodes/errors.ts';
import type { Files } from '../../nodes/files.ts';

/** A disk in memory: path -> content. Counts the bytes that were read. */
export function memoryFiles(
  content: Readonly<Record<string, Uint8Array | string>>,
): Files & { bytesRead: () => number } {
  const files = new Map(
    Object.entries(content).map(([path, data]) => [
      path,
      typeof data === 'string' ? new TextEncoder().encode(data) : data,
    ]),
  );
  let bytesRead = 0;
  const read = async (path: string, start = 0, end?: number) => {
    const bytes = files.get(path);
    if (!bytes) throw new UserError('NOT_FOUND', `There is no file "${path}".`);
    if (start < 0 || (end ?? bytes.length) > bytes.length || (end ?? bytes.length) < start) {
      throw new UserError('READ_FAILED', `"${path}" has ${bytes.length} bytes, not the bytes ${start} to ${end}.`);
    }
    const part = bytes.slice(start, end);
    bytesRead += part.length;
    return part;
  };
  return {
    bytesRead: () => bytesRead,
    locate: async (location) => location,
    read,
    open: async (path) => ({ read: (start, end) => read(path, start, end), close: async () => {} }),
    size: async (path) => files.get(path)?.length,
    list: async (path) => {
      const names = [...files.keys()]
        .filter((key) => key.startsWith(`${path}/`))
        .map((key) => key.slice(path.length + 1));
      return names.length > 0 ? [...new Set(names.map((name) => name.replace(/\/.*/, '/')))].sort() : undefined;
    },
    fingerprint: async (path) => path,
    decodeImage: async () => {
      throw new UserError('BAD_IMAGE', 'A disk in memory decodes no images.');
    },
  };
}
