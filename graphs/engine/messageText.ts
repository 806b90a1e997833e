/**
 * Plain data with bytes in it as one line of JSON, for where only text travels: each Uint8Array leaves a null in its
 * place, and is listed by its path, in base64.
 */
interface MessageText {
  readonly value: unknown;
  readonly bytes?: readonly (readonly [path: readonly (string | number)[], base64: string])[];
}

export function serialiseMessage(value: unknown): string {
  const bytes: [(string | number)[], string][] = [];
  const emptied = withoutBytes(value, [], bytes);
  return JSON.stringify({ value: emptied, ...(bytes.length > 0 ? { bytes } : {}) } satisfies MessageText);
}

/** Throws SyntaxError or TypeError where the text is not of `serialiseMessage`. */
export function parseMessage(text: string): unknown {
  const { value, bytes = [] } = JSON.parse(text) as MessageText;
  let whole = value;
  for (const [path, base64] of bytes) {
    const found = decodeBase64(base64);
    if (path.length === 0) whole = found;
    else {
      let place = whole as Record<string | number, unknown>;
      for (const key of path.slice(0, -1)) place = readOwn(place, key) as Record<string | number, unknown>;
      const last = path.at(-1)!;
      if (readOwn(place, last) !== null) throw new TypeError(`there is no place for bytes at ${path.join('.')}`);
      place[last] = found;
    }
  }
  return whole;
}

function withoutBytes(
  value: unknown,
  path: readonly (string | number)[],
  found: [(string | number)[], string][],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    found.push([[...path], encodeBase64(value)]);
    return null;
  }
  if (Array.isArray(value)) return value.map((item, i) => withoutBytes(item, [...path, i], found));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withoutBytes(item, [...path, key], found)]),
  );
}

function readOwn(place: object, key: string | number): unknown {
  return Object.hasOwn(place, key) ? (place as Record<string | number, unknown>)[key] : undefined;
}

function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += 0x8000)
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 0x8000)));
  return btoa(parts.join(''));
}

function decodeBase64(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
