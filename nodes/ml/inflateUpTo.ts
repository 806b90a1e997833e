import { Gunzip, Unzlib } from 'fflate';

/** Bytes that go into the decompressor at once: each makes 1,032 at most. */
const PIECE = 4096;

/**
 * What a zlib or gzip stream unpacks to, or undefined where it is broken, cut short, or more than `most` bytes; no more than
 * about 4 MiB beyond `most` is unpacked to find that out.
 */
export function inflateUpTo(
  packed: Uint8Array,
  most: number,
  format: 'zlib' | 'gzip' = 'zlib',
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  const take = (part: Uint8Array, final: boolean) => {
    parts.push(part);
    length += part.length;
    ended = final;
  };
  const stream = format === 'gzip' ? new Gunzip(take) : new Unzlib(take);
  try {
    for (let at = 0; at < packed.length && length <= most; at += PIECE)
      stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
  } catch {
    return undefined;
  }
  if (!ended || length > most) return undefined;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
