/** Reads and adds the text chunks of a PNG without touching its pixels. Source: PNG specification 3, sections 5 and 11.3.3. */
import { UserError } from '../../errors.ts';
import { inflateUpTo } from '../inflateUpTo.ts';

/** Bytes that the compressed texts of one PNG may unpack to. */
const MOST_UNPACKED = 16 * 2 ** 20;
/** Text chunks of one PNG. */
const MOST_TEXTS = 1000;

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

interface Chunk {
  readonly type: string;
  /** Byte offsets in the file: of the chunk's length field, and of its content [start, end). */
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/**
 * The text chunks (tEXt, zTXt, iTXt) of a PNG: keyword -> text. Chunks that are malformed, or unpack to more than 16 MiB
 * together, are passed over. Throws UserError `BAD_PNG` where the bytes are no PNG, end in the middle of a chunk, or hold more than 1000 texts.
 */
export function readPngText(png: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  let room = MOST_UNPACKED;
  let texts = 0;
  for (const { type, start, end } of readChunks(png)) {
    if (!['tEXt', 'zTXt', 'iTXt'].includes(type)) continue;
    if (++texts > MOST_TEXTS) throw new UserError('BAD_PNG', `This PNG holds more than ${MOST_TEXTS} texts.`);
    const content = png.subarray(start, end);
    const zero = content.subarray(0, 80).indexOf(0);
    if (zero < 1) continue;
    const keep = (decode: (bytes: Uint8Array) => string | undefined, body: Uint8Array, isPacked: boolean) => {
      const bytes = isPacked ? inflateUpTo(body, room) : body;
      if (isPacked && bytes) room -= bytes.length;
      const text = bytes && decode(bytes);
      if (text !== undefined) found.set(latin1(content.subarray(0, zero)), text);
    };
    if (type === 'tEXt') found.set(latin1(content.subarray(0, zero)), latin1(content.subarray(zero + 1)));
    if (type === 'zTXt' && content[zero + 1] === 0) keep(latin1, content.subarray(zero + 2), true);
    if (type === 'iTXt' && content[zero + 2] === 0) {
      const text = afterZero(content, afterZero(content, zero + 3)); // past the language tag, then the translated keyword
      keep(utf8, content.subarray(text), content[zero + 1] === 1);
    }
  }
  return found;
}

/**
 * A copy of the PNG with these texts (keyword of 1-79 Latin-1 letters -> any text) put before its end: as tEXt where
 * Latin-1 can hold the text, else as iTXt. Throws UserError `BAD_PNG` as above.
 */
export function addPngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  let end: Chunk | undefined;
  for (const chunk of readChunks(png)) if (chunk.type === 'IEND') end = chunk;
  if (!end) throw new UserError('BAD_PNG', 'This PNG has no end chunk: the file is cut short.');
  const added = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  const out = new Uint8Array(png.length + added.reduce((sum, chunk) => sum + chunk.length, 0));
  out.set(png.subarray(0, end.at));
  let offset = end.at;
  for (const chunk of added) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  out.set(png.subarray(end.at), offset);
  return out;
}

function* readChunks(png: Uint8Array): Generator<Chunk, void> {
  if (!isPng(png)) throw new UserError('BAD_PNG', 'This file is not a PNG: it does not start with the PNG signature.');
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = signature.length; at < png.length; ) {
    const end = at + 12 <= png.length ? at + 8 + view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (end + 4 > png.length) throw new UserError('BAD_PNG', `This PNG is cut short in a chunk at byte ${at}.`);
    const type = latin1(png.subarray(at + 4, at + 8));
    yield { type, at, start: at + 8, end };
    at = type === 'IEND' ? png.length : end + 4; // what follows the end is no part of the PNG
  }
}

function textChunk(keyword: string, text: string): Uint8Array {
  const isLatin1 = [...text].every((letter) => letter > '\0' && letter <= 'ÿ');
  const body = isLatin1 ? Uint8Array.from(text, (letter) => letter.charCodeAt(0)) : new TextEncoder().encode(text);
  const head = `${isLatin1 ? 'tEXt' : 'iTXt'}${keyword}\0${isLatin1 ? '' : '\0\0\0\0'}`;
  const chunk = new Uint8Array(4 + head.length + body.length + 4);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, head.length - 4 + body.length);
  for (let i = 0; i < head.length; i++) chunk[4 + i] = head.charCodeAt(i);
  chunk.set(body, 4 + head.length);
  view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, chunk.length - 4)));
  return chunk;
}

/** Cyclic redundancy check of ISO 3309, polynomial 0xEDB88320 (reflected). Source: PNG specification 3, annex D. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function afterZero(bytes: Uint8Array, from: number): number {
  const zero = bytes.indexOf(0, from);
  return zero < 0 ? bytes.length : zero + 1;
}

function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return parts.join('');
}

/** Undefined where the bytes are not UTF-8. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
