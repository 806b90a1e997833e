import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, inflateRawSync } from 'node:zlib';

interface Entry {
  readonly name: string;
  readonly compressed: boolean;
  readonly start: number; // of the local header
  readonly storedBytes: number;
  readonly bytes: number;
}

/**
 * Unpacks a zip file (a Python wheel is one) piece by piece, so that files of many hundred megabytes fit.
 * `target` says where each file goes, or undefined to leave it out. Throws where the file is cut off or damaged.
 */
export async function unpackZip(path: string, target: (name: string) => string | undefined): Promise<void> {
  const file = await open(path);
  try {
    for (const entry of await readEntries(file, path)) {
      const to = entry.name.endsWith('/') ? undefined : target(entry.name);
      if (!to) continue;
      await mkdir(dirname(to), { recursive: true });
      if (entry.storedBytes === 0) {
        await writeFile(to, '');
        continue;
      }
      const start = await contentStart(file, entry);
      const stored = createReadStream(path, { start, end: start + entry.storedBytes - 1 });
      const out = createWriteStream(to);
      await (entry.compressed ? pipeline(stored, createInflateRaw(), out) : pipeline(stored, out));
      if (out.bytesWritten !== entry.bytes) throw new Error(`${path} is damaged at ${entry.name}.`);
    }
  } finally {
    await file.close();
  }
}

/** False for a download that broke off. */
export async function isWholeZip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    return await readEntries(file, path).then(
      () => true,
      () => false,
    );
  } finally {
    await file.close();
  }
}

/** The whole text of one small file in a zip, chosen by its name. */
export async function readZipText(path: string, isWanted: (name: string) => boolean): Promise<string> {
  const file = await open(path);
  try {
    const entry = (await readEntries(file, path)).find(({ name }) => isWanted(name));
    if (!entry) return '';
    const stored = await readAt(file, await contentStart(file, entry), entry.storedBytes);
    return (entry.compressed ? inflateRawSync(stored) : stored).toString('utf8');
  } finally {
    await file.close();
  }
}

/** The central directory, which ends the file. */
async function readEntries(file: FileHandle, path: string): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - 65_557), Math.min(size, 65_557));
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error(`${path} is no whole zip file.`);
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0, left = tail.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      compressed: directory.readUInt16LE(at + 10) === 8,
      storedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      start: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** The content follows a header of its own, whose name and extra field may differ in length from the directory's. */
async function contentStart(file: FileHandle, entry: Entry): Promise<number> {
  const header = await readAt(file, entry.start, 30);
  return entry.start + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
  if (bytesRead !== length) throw new Error('The zip file is cut off.');
  return buffer;
}
