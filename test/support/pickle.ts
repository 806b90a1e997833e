import { zipSync } from 'fflate';

/*
 * Writes pickles of protocol 2 opcode by opcode, as a stranger may: torch itself writes only some of them.
 * Source: CPython Lib/pickletools.py.
 */

/** Opcodes, one letter a byte. */
export type Pickle = string;

const int32 = (value: number) =>
  String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
/** A text of Latin-1 letters below U+0080. */
export const text = (value: string): Pickle => `X${int32(value.length)}${value}`;
export const int = (value: number): Pickle => `J${int32(value)}`;
export const global = (module: string, name: string): Pickle => `c${module}\n${name}\n`;
export const put = (slot: number): Pickle => `r${int32(slot)}`;
export const get = (slot: number): Pickle => `j${int32(slot)}`;
export const tuple = (...items: Pickle[]): Pickle => `(${items.join('')}t`;
export const list = (...items: Pickle[]): Pickle => `](${items.join('')}e`;
/** Keys and values in turn. */
export const dictionary = (...items: Pickle[]): Pickle => `}(${items.join('')}u`;
export const call = (callee: Pickle, ...args: Pickle[]): Pickle => `${callee}${tuple(...args)}R`;

/** Storage "0", of one float32. */
export const storage: Pickle = `${tuple(text('storage'), global('torch', 'FloatStorage'), text('0'), text('cpu'), int(1))}Q`;
/** A tensor as `torch._utils._rebuild_tensor_v2` makes it of its storage, offset, shape and strides. */
export const tensor = (
  shape: Pickle = tuple(int(1)),
  strides: Pickle = tuple(int(1)),
  from: Pickle = storage,
): Pickle => call(global('torch._utils', '_rebuild_tensor_v2'), from, int(0), shape, strides);

export const bytesOf = (pickle: Pickle): Uint8Array => Buffer.from(`\x80\x02${pickle}.`, 'latin1');

/** A file of `torch.save` with that pickle, and storage "0" with the float32 1. */
export function torchFile(pickle: Pickle): Uint8Array {
  const float = new Uint8Array(Float32Array.of(1).buffer);
  const entries = { 'archive/data.pkl': bytesOf(pickle), 'archive/data/0': float };
  return zipSync(entries, { level: 0 });
}
