/** Levels of lists and dictionaries, items of each, and letters of a text and of the whole that are shown. */
const limits = { depth: 3, items: 8, text: 120, whole: 300 } as const;

/** What a terminal obeys or what turns the reading direction round: C0, DEL, C1, bidi marks, and line separators. */
const control = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * A value of an untrusted file as an error message shows it: like JSON, but in few steps and letters however large, deep,
 * shared or circular the value is. What is left out is shown as `…`; control characters are escaped.
 */
export function quote(value: unknown): string {
  const text = quoteInside(value, limits.depth);
  return text.length > limits.whole ? `${text.slice(0, limits.whole)}…` : text;
}

/** Control characters as `\u001b`, so that they are seen and not obeyed. */
export function escapeControls(text: string): string {
  return text.replace(control, escapeLetter);
}

/** As `escapeControls`, but line feeds and tabs stay. What it makes of a JSON text is the same JSON. */
export function printable(text: string): string {
  return text.replace(control, (letter) => (letter === '\n' || letter === '\t' ? letter : escapeLetter(letter)));
}

function escapeLetter(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quoteInside(value: unknown, depth: number): string {
  if (typeof value === 'string') {
    const shown = value.length > limits.text ? `${value.slice(0, limits.text)}…` : value;
    return escapeControls(JSON.stringify(shown));
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value).slice(0, limits.text);
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  const [open, close] = isList ? '[]' : '{}';
  if (depth === 0) return `${open}…${close}`;
  const shown: string[] = [];
  for (const [key, item] of itemsOf(value)) {
    if (shown.length === limits.items) {
      shown.push('…');
      break;
    }
    const text = quoteInside(item, depth - 1);
    shown.push(isList ? text : `${quoteInside(key, 0)}:${text}`);
  }
  return open + shown.join(',') + close;
}

/** Keys and values, one after the other: a large value is not copied. */
function* itemsOf(value: object): Generator<readonly [unknown, unknown]> {
  if (Array.isArray(value) || value instanceof Map) yield* value.entries();
  else if (ArrayBuffer.isView(value)) yield* (value as Uint8Array).entries();
  else for (const key in value) if (Object.hasOwn(value, key)) yield [key, (value as Record<string, unknown>)[key]];
}
