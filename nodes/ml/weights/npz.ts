import { unzipSync, zipSync } from 'fflate';
import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { elementCount } from './checkpoint.ts';

/** An array of numpy: row-major. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Longest header that is read: shapes and a type take a hundred bytes. */
const LONGEST_HEADER = 4096;

/**
 * Arrays of 32- or 64-bit floats from a .npz: a zip of .npy files, deflated or not. `most`: bytes that they may unpack to.
 * Source: numpy, numpy/lib/format.py. Throws UserError `BAD_FILE` or `TOO_LARGE`.
 */
export function readNpz(bytes: Uint8Array, path: string, most: number): Map<string, NumpyArray> {
  let unpacked = 0;
  const tooLarge = () =>
    new UserError(
      'TOO_LARGE',
      `"${path}" unpacks to more than ${Math.floor(most / 2 ** 20)} MiB, which is more than is read.`,
    );
  if (isZip64(bytes)) throw badNumpy(path, 'it is a zip64 archive, which only files of 4 GiB and more need');
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter({ originalSize, size }) {
        unpacked += Math.max(originalSize, size);
        if (unpacked > most) throw tooLarge();
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw badNumpy(path, 'it is no zip archive', cause);
  }
  return new Map(
    Object.entries(files).map(([name, file]) => [name.replace(/\.npy$/, ''), readNpy(file, `${path}/${name}`)]),
  );
}

/** Whether a zip states how many entries it has in 64 bits: fflate takes any number of them. Source: PKWARE APPNOTE 6.3, 4.3.15 */
function isZip64(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = bytes.length - 22;
  while (end >= 20 && view.getUint32(end, true) !== 0x06054b50) end--;
  return end >= 20 && view.getUint32(end - 20, true) === 0x07064b50;
}

function readNpy(bytes: Uint8Array, path: string): NumpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw badNumpy(path, 'it is no array of numpy');
  const start = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER || start + length > bytes.length)
    throw badNumpy(path, `its header claims ${length} bytes`);
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const type = /'descr':\s*'([^']{1,20})'/.exec(header)?.[1];
  const list = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (type !== '<f4' && type !== '<f8')
    throw badNumpy(path, `its values are ${quote(type ?? null)}, and '<f4' or '<f8' are read`);
  if (list === undefined || !/'fortran_order':\s*False/.test(header))
    throw badNumpy(path, 'it is not in row-major order');
  const shape = list.split(',').flatMap((each) => (each.trim() === '' ? [] : [Number(each)]));
  const [count, size] = [elementCount(shape), type === '<f4' ? 4 : 8];
  const content = bytes.slice(start + length);
  if (count === undefined || content.length !== count * size)
    throw badNumpy(path, `it has ${content.length} bytes for the shape (${shape.join(', ')})`);
  return { shape, values: size === 4 ? new Float32Array(content.buffer) : new Float64Array(content.buffer) };
}

/** The bytes of a .npz with deflated arrays of 32-bit floats, as numpy.savez_compressed writes them. */
export function writeNpz(
  arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>>,
): Uint8Array {
  const files = Object.entries(arrays).map(([name, { shape, values }]) => {
    const said = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
    const header = new TextEncoder().encode(said.padEnd(Math.ceil((said.length + 11) / 64) * 64 - 11).concat('\n'));
    const bytes = new Uint8Array(10 + header.length + values.byteLength);
    bytes.set([...MAGIC, 1, 0, header.length % 256, Math.floor(header.length / 256)]);
    bytes.set(header, 10);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + header.length);
    return [`${name}.npy`, bytes] as const;
  });
  const mtime = new Date(Date.UTC(1980, 0, 2)); // the same bytes at any time
  return zipSync(Object.fromEntries(files), { mtime });
}

function badNumpy(path: string, reason: string, cause?: unknown): UserError {
  return new UserError('BAD_FILE', `"${path}" cannot be read: ${reason}.`, { cause });
}
