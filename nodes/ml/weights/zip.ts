import type { Files } from '../../files.ts';
import { quote } from '../../quote.ts';
import { badCheckpoint } from './checkpoint.ts';

/** Where an uncompressed file of an archive lies: bytes [start, start + size) of the archive. */
export interface ZipEntry {
  readonly start: number;
  readonly size: number;
}

interface DirectoryRecord extends ZipEntry {
  readonly name: string;
}

/** Bytes: of about 200,000 storages. */
const LONGEST_DIRECTORY = 2 ** 24;

/** True where a file starts like a zip archive. */
export function isZip(firstBytes: Uint8Array): boolean {
  return firstBytes[0] === 0x50 && firstBytes[1] === 0x4b && firstBytes[2] === 3 && firstBytes[3] === 4;
}

/**
 * Reads the directory of an uncompressed zip archive by ranges: name -> place. torch never compresses, so a compressed
 * entry is refused. Source: PKWARE APPNOTE 6.3, 4.3.7, 4.3.12, 4.3.14-16. Throws UserError `BAD_CHECKPOINT`.
 */
export async function readZipDirectory(files: Files, path: string, size: number): Promise<Map<string, ZipEntry>> {
  const { count, start, length } = await findDirectory(files, path, size);
  if (length > LONGEST_DIRECTORY)
    throw badCheckpoint(
      path,
      `its archive has a directory of ${length} bytes, and at most ${LONGEST_DIRECTORY} are read`,
    );
  const directory = await files.read(path, start, start + length);
  const entries = new Map<string, ZipEntry>();
  for (const record of parseDirectory(directory, count, start, path)) {
    if (entries.has(record.name)) throw badCheckpoint(path, `its archive holds ${quote(record.name)} twice`);
    entries.set(record.name, record);
  }
  return entries;
}

/** First byte of an entry's content, after its local header. Throws where the content leaves the archive's data part. */
export async function contentStart(
  files: Pick<Files, 'read'>,
  path: string,
  entry: ZipEntry,
  size: number,
): Promise<number> {
  const fixed = 30;
  if (entry.start + fixed > size) throw badCheckpoint(path, 'its archive points outside of the file');
  const header = viewOf(await files.read(path, entry.start, entry.start + fixed));
  if (header.getUint32(0, true) !== 0x04034b50) throw badCheckpoint(path, 'its archive has an entry without a header');
  const start = entry.start + fixed + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + entry.size > size) throw badCheckpoint(path, 'its archive claims more bytes than the file has');
  return start;
}

/** End-of-directory record, from the last 64 KiB of the file; the 64-bit one where the 32-bit one is full. */
async function findDirectory(
  files: Files,
  path: string,
  size: number,
): Promise<{ count: number; start: number; length: number }> {
  const tailStart = Math.max(0, size - 22 - 0xffff);
  const tail = viewOf(await files.read(path, tailStart, size));
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0) throw badCheckpoint(path, 'its archive has no directory; the file may be cut off');
  let found = {
    count: tail.getUint16(at + 10, true),
    length: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
  };
  if (at >= 20 && tail.getUint32(at - 20, true) === 0x07064b50) {
    const recordStart = toNumber(tail.getBigUint64(at - 12, true), size - 56, path);
    const record = viewOf(await files.read(path, recordStart, recordStart + 56));
    if (record.getUint32(0, true) !== 0x06064b50)
      throw badCheckpoint(path, 'its archive has a broken 64-bit directory');
    found = {
      count: toNumber(record.getBigUint64(32, true), size, path),
      length: toNumber(record.getBigUint64(40, true), size, path),
      start: toNumber(record.getBigUint64(48, true), size, path),
    };
  }
  if (found.start + found.length > size) throw badCheckpoint(path, 'its archive has a directory outside of the file');
  return found;
}

function* parseDirectory(
  bytes: Uint8Array,
  count: number,
  dataEnd: number,
  path: string,
): Generator<DirectoryRecord, void, void> {
  const view = viewOf(bytes);
  const fixed = 46;
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + fixed > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw badCheckpoint(path, 'its archive has a broken directory');
    }
    const nameEnd = at + fixed + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    if (extraEnd > bytes.length) throw badCheckpoint(path, 'its archive has a broken directory');
    const name = new TextDecoder().decode(bytes.subarray(at + fixed, nameEnd));
    const [size, packed, start] = wideFields(view, at, nameEnd, extraEnd, dataEnd, path);
    if (view.getUint16(at + 10, true) !== 0 || size !== packed || view.getUint16(at + 8, true) & 1) {
      throw badCheckpoint(path, `its archive holds ${quote(name)} compressed or encrypted, which torch never writes`);
    }
    if (start + size > dataEnd) throw badCheckpoint(path, `its archive claims ${size} bytes for ${quote(name)}`);
    yield { name, start, size };
    at = extraEnd + view.getUint16(at + 32, true);
  }
}

/** Size, packed size and header offset of a directory record; a field of all ones stands in the 64-bit extra field. */
function wideFields(
  view: DataView,
  at: number,
  extraStart: number,
  extraEnd: number,
  limit: number,
  path: string,
): [size: number, packed: number, start: number] {
  const narrow = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  let extra = extraStart;
  while (extra + 4 <= extraEnd && view.getUint16(extra, true) !== 1) extra += 4 + view.getUint16(extra + 2, true);
  const wideEnd = extra + 4 <= extraEnd ? Math.min(extraEnd, extra + 4 + view.getUint16(extra + 2, true)) : 0;
  let wide = extra + 4;
  return narrow.map((value) => {
    if (value !== 0xffffffff || wide + 8 > wideEnd) return value;
    wide += 8;
    return toNumber(view.getBigUint64(wide - 8, true), limit, path);
  }) as [number, number, number];
}

function toNumber(value: bigint, limit: number, path: string): number {
  if (value > BigInt(Math.max(0, limit)))
    throw badCheckpoint(path, `its archive points to byte ${value}, past its end`);
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
