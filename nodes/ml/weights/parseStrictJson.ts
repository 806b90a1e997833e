import { endOfString, type JsonLimits, parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';

/**
 * As `parseJson`, for headers: besides bad syntax it refuses a name that occurs twice in one object and numbers that are
 * not plain whole numbers (both would be read differently by other programs). Throws SyntaxError.
 */
export function parseStrictJson(text: string, limits: JsonLimits): unknown {
  const value = parseJson(text, limits); // what follows goes through valid JSON
  const scopes: Set<string>[] = [];
  let string: [start: number, end: number] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] as string;
    if (letter === '"') {
      string = [i, endOfString(text, i)];
      i = string[1];
    } else if (letter === '{') scopes.push(new Set());
    else if (letter === '}') scopes.pop();
    else if (letter === ':') {
      const name = JSON.parse(text.slice(string[0], string[1] + 1)) as string;
      const scope = scopes.at(-1) as Set<string>;
      if (scope.has(name)) throw new SyntaxError(`the name ${quote(name)} occurs twice`);
      scope.add(name);
    } else if (/[-\d]/.test(letter)) {
      const start = i;
      while (/[\d.eE+-]/.test(text[i + 1] ?? '')) i++;
      const number = text.slice(start, i + 1);
      if (!/^\d+$/.test(number)) throw new SyntaxError(`${number.slice(0, 40)} is not a whole number`);
    }
  }
  return value;
}
