import { UserError } from '../../nodes/errors.ts';
import { isPng, readPngText } from '../../nodes/ml/image/pngText.ts';
import { foreignContent } from '../../nodes/ml/weights/foreignContent.ts';
import { GRAPH_KEYWORD } from './runFolder.ts';

/** Bytes of the largest file that may be a graph, or a PNG with one in it. */
export const MAX_GRAPH_BYTES = 256 * 2 ** 20;

/**
 * The text of a graph in the bytes of a file: the file itself, or what a PNG of ours carries. Throws UserError `NO_GRAPH`,
 * `BAD_PNG`, `NOT_UTF8`.
 */
export function extractGraphText(bytes: Uint8Array, name: string): string {
  if (!isPng(bytes)) return decodeText(bytes, name);
  const text = readPngText(bytes).get(GRAPH_KEYWORD);
  if (text !== undefined) return text;
  throw new UserError(
    'NO_GRAPH',
    `"${name}" is a PNG without a graph in it; only PNG files that Noiseloom saved have one.`,
  );
}

/** A text in UTF-8 or, as some shells write it, UTF-16; with or without a byte order mark. Throws UserError `NOT_UTF8`. */
function decodeText(bytes: Uint8Array, name: string): string {
  const encoding = encodingOf(bytes);
  if (encoding !== 'utf-32') {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      // What is wrong with it is said below.
    }
  }
  const binary = encoding === 'utf-8' ? describeBinary(bytes.subarray(0, 512)) : undefined;
  if (binary !== undefined) throw new UserError('NOT_UTF8', `"${name}" is no text: ${binary}.`);
  const got =
    encoding === 'utf-8' ? firstInvalid(bytes) : `it is ${encoding === 'utf-32' ? 'UTF-32' : 'broken UTF-16'}`;
  throw new UserError('NOT_UTF8', `"${name}" is not readable as UTF-8: ${got}. Save it again as UTF-8.`);
}

/** By the byte order mark, else by the zeros beside the first letter, which in JSON is ASCII. */
function encodingOf([a, b, c, d]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32' {
  const [le, be] = [a === 0xff && b === 0xfe, a === 0xfe && b === 0xff];
  if (((le || (a !== 0 && b === 0)) && c === 0 && d === 0) || (a === 0 && b === 0)) return 'utf-32';
  if (le || (a !== 0 && b === 0)) return 'utf-16le';
  return be || (a === 0 && b !== 0) ? 'utf-16be' : 'utf-8';
}

/** What a file that starts so is where no encoding of a text has such bytes; undefined where it may be one. */
function describeBinary(start: Uint8Array): string | undefined {
  const isText = start.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
  return isText ? undefined : (foreignContent(start) ?? 'it holds bytes that no text has');
}

/** The first byte that is no UTF-8, in words. */
function firstInvalid(bytes: Uint8Array): string {
  const decode = (end: number) =>
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end), { stream: true });
  let [valid, invalid] = [0, bytes.length + 1];
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    try {
      decode(middle);
      valid = middle;
    } catch {
      invalid = middle;
    }
  }
  if (valid === bytes.length) return 'its last letter is cut short';
  const before = decode(valid); // whole letters only: the first byte of a broken one still waits
  const at = new TextEncoder().encode(before).length;
  const byte = bytes[at]!.toString(16).padStart(2, '0');
  const line = before.split('\n').length;
  return `its byte ${at}, in line ${line}, is 0x${byte}, as Latin-1 and Windows-1252 write letters with accents`;
}
