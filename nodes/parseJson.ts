import { escapeControls } from './quote.ts';

export interface JsonLimits {
  /** Brackets within brackets. */
  readonly depth: number;
  /** Values in all, each of which takes about 50 bytes of memory at most besides its text. */
  readonly values: number;
}

/** No config has more. */
const usual: JsonLimits = { depth: 64, values: 500_000 };

/**
 * JSON.parse for untrusted text: what is too deep or has too many values is refused before memory is taken for it, and the
 * reason has no control characters. Throws SyntaxError.
 */
export function parseJson(text: string, limits: JsonLimits = usual): unknown {
  const { depth, values } = measureJson(text);
  if (depth > limits.depth)
    throw new SyntaxError(`its brackets nest ${depth} deep, and at most ${limits.depth} are read`);
  if (values > limits.values) throw new SyntaxError(`it has ${values} values, and at most ${limits.values} are read`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(escapeControls((cause as Error).message), { cause });
  }
}

/** How deep brackets nest in a JSON text, and how many values it has at most; what is inside strings does not count. */
export function measureJson(text: string): JsonLimits {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x2c) values++;
    else if (code === 0x5b || code === 0x7b) {
      values++;
      deepest = Math.max(deepest, ++depth);
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return { depth: deepest, values };
}

/** Where the JSON string that starts at `start` has its closing quotation mark; the length of the text where it has none. */
export function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1;
  return Math.min(i, text.length);
}
