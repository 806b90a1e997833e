import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

// Reused by every call: a graph of a hundred thousand nodes hashes as many texts, and allocating costs more than hashing.
const buffer = new Uint8Array(1024);
const digest = new Uint8Array(32);
const hex = new Array<number>(32).fill(0);
const fresh = sha256.create();
const hasher = sha256.create();
const digits = [...'0123456789abcdef'].map((digit) => digit.charCodeAt(0));

/** The first 128 bits of a text's SHA-256, as 32 hex digits. */
export function hashText(text: string): string {
  fresh._cloneInto(hasher); // starts anew
  hasher.update(asciiBytes(text) ?? utf8ToBytes(text)).digestInto(digest);
  for (let i = 0; i < 16; i++) {
    hex[2 * i] = digits[digest[i]! >> 4]!;
    hex[2 * i + 1] = digits[digest[i]! & 15]!;
  }
  return String.fromCharCode(...hex);
}

/** The bytes of a short ASCII text, valid until the next call; undefined for any other text. */
function asciiBytes(text: string): Uint8Array | undefined {
  const { length } = text;
  if (length > buffer.length) return undefined;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return undefined;
    buffer[i] = code;
  }
  return buffer.subarray(0, length);
}
