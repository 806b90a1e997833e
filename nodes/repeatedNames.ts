import { endOfString } from './parseJson.ts';

/**
 * The paths of names that occur more than once in one object of a JSON text, each told once and `most` at most: JSON.parse
 * keeps the last of them in silence. The text has to be valid JSON. Linear in its length.
 */
export function repeatedNames(text: string, most: number): string[][] {
  const found: string[][] = [];
  /** The objects and lists around a place: the names of an object so far with how often each was told, and the present one. */
  const around: { readonly names: Map<string, number> | undefined; name: string }[] = [];
  let isName = false;
  for (let i = 0; i < text.length && found.length < most; i++) {
    const letter = text[i];
    if (letter === '{' || letter === '[') {
      isName = letter === '{';
      around.push({ names: isName ? new Map() : undefined, name: '0' });
    } else if (letter === '}' || letter === ']') {
      around.pop();
      isName = false;
    } else if (letter === ',') {
      const inner = around.at(-1)!;
      isName = inner.names !== undefined;
      if (!isName) inner.name = String(Number(inner.name) + 1);
    } else if (letter === '"') {
      const start = i;
      i = endOfString(text, start);
      if (!isName) continue;
      isName = false;
      const inner = around.at(-1)!;
      inner.name = JSON.parse(text.slice(start, i + 1)) as string;
      const times = (inner.names!.get(inner.name) ?? 0) + 1;
      inner.names!.set(inner.name, times);
      if (times === 2) found.push(around.map(({ name }) => name));
    }
  }
  return found;
}
