import type { Files } from '../../files.ts';
import { quote } from '../../quote.ts';
import { badCheckpoint, type Checkpoint, type Dtype, elementCount, elementSize, entryOf } from './checkpoint.ts';
import { parseStrictJson } from './parseStrictJson.ts';
import { readValues } from './readValues.ts';

const dtypes: ReadonlyMap<string, Dtype> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['F8_E4M3', 'float8_e4m3fn'],
  ['F8_E5M2', 'float8_e5m2'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);
/** Bytes of a header; the format allows 100,000,000, and those of the largest published weights have about 2,000,000. */
const LONGEST_HEADER = 2 ** 25;
/** A tensor is eight values or more. */
const headerLimits = { depth: 8, values: 2_000_000 };

interface Entry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** First byte, counted from the end of the header. */
  readonly begin: number;
}

/**
 * Opens a safetensors file: 8 bytes header length, JSON header, then the tensors without gap or overlap.
 * Source: huggingface/safetensors, README "Format". Throws UserError `NOT_FOUND`, `READ_FAILED` or `BAD_CHECKPOINT`.
 */
export async function openSafetensors(files: Files, path: string): Promise<Checkpoint> {
  const size = (await files.size(path)) ?? 0;
  const headerLength = await readHeaderLength(files, path, size);
  const dataStart = 8 + headerLength;
  const { entries, metadata } = readHeader(await files.read(path, 8, dataStart), path);
  checkLayout(entries, size - dataStart, path);
  return {
    path,
    metadata,
    names: () => [...entries.keys()],
    has: (name) => entries.has(name),
    entry: (name) => entryOf(entries, path, name),
    read: async (name, staging) => {
      const { begin, bytes, dtype } = entryOf(entries, path, name);
      const place = {
        files: staging?.holdOpen(files) ?? files,
        path,
        start: dataStart + begin,
        count: bytes / elementSize(dtype),
      };
      return readValues(place, dtype, staging);
    },
  };
}

async function readHeaderLength(files: Files, path: string, size: number): Promise<number> {
  const start = await files.read(path, 0, Math.min(size, 8));
  if (start.length < 8) throw badCheckpoint(path, `it has ${start.length} bytes, fewer than the 8 of a header length`);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER) && length <= BigInt(size - 8))
    throw badCheckpoint(path, `its header has ${length} bytes, and at most ${LONGEST_HEADER} are read`);
  if (length < 2n || length > BigInt(size - 8)) {
    throw badCheckpoint(path, `its header claims ${length} bytes and the file has ${size}`);
  }
  return Number(length);
}

function readHeader(bytes: Uint8Array, path: string): { entries: Map<string, Entry>; metadata: Map<string, string> } {
  const header = parseHeader(bytes, path);
  const entries = new Map<string, Entry>();
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (value === null) continue;
      for (const [key, text] of Object.entries(isRecord(value) ? value : { '': value })) {
        if (typeof text !== 'string') throw badCheckpoint(path, 'its metadata holds something other than texts');
        metadata.set(key, text);
      }
    } else entries.set(name, readEntry(value, name, path));
  }
  return { entries, metadata };
}

function parseHeader(bytes: Uint8Array, path: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), headerLimits);
  } catch (error) {
    throw badCheckpoint(path, `its header is not valid (${error instanceof Error ? error.message : error})`, error);
  }
  if (!isRecord(header) || bytes[0] !== 0x7b) throw badCheckpoint(path, 'its header is not a JSON object');
  return header;
}

function readEntry(value: unknown, name: string, path: string): Entry {
  const { dtype: dtypeName, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  const dtype = typeof dtypeName === 'string' ? dtypes.get(dtypeName) : undefined;
  if (!dtype) throw badCheckpoint(path, `tensor ${quote(name)} has the unknown dtype ${quote(dtypeName)}`);
  const count = Array.isArray(shape) ? elementCount(shape) : undefined;
  if (count === undefined) throw badCheckpoint(path, `tensor ${quote(name)} has the impossible shape ${quote(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((offset) => Number.isSafeInteger(offset))) {
    throw badCheckpoint(path, `tensor ${quote(name)} has the offsets ${quote(offsets)}, not two whole numbers`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = count * elementSize(dtype);
  if (begin < 0 || end - begin !== bytes) {
    throw badCheckpoint(path, `tensor ${quote(name)} needs ${bytes} bytes and its offsets are [${begin}, ${end}]`);
  }
  return { dtype, shape: shape as number[], bytes, begin };
}

function checkLayout(entries: ReadonlyMap<string, Entry>, dataBytes: number, path: string): void {
  let position = 0;
  for (const [name, { begin, bytes }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.bytes - b.bytes)) {
    if (begin !== position)
      throw badCheckpoint(path, `tensor ${quote(name)} starts at byte ${begin}, not at ${position}`);
    position += bytes;
  }
  if (position !== dataBytes) {
    const cut = position > dataBytes ? ': it was not downloaded to the end' : '';
    throw badCheckpoint(path, `its tensors take ${position} bytes and the file has ${dataBytes} bytes for them${cut}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
