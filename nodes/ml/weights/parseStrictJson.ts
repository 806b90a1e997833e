import { endOfString, type JsonLimits, parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';
import { repeatedNames } from '../../repeatedNames.ts';

/**
 * As `parseJson`, for headers: besides bad syntax it refuses a name that occurs twice in one object and numbers that are
 * not plain whole numbers (both would be read differently by other programs). Throws SyntaxError.
 */
export function parseStrictJson(text: string, limits: JsonLimits): unknown {
  const value = parseJson(text, limits); // what follows goes through valid JSON
  const repeated = repeatedNames(text, 1)[0]?.at(-1);
  if (repeated !== undefined) throw new SyntaxError(`the name ${quote(repeated)} occurs twice`);
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') i = endOfString(text, i);
    else if (/[-\d]/.test(text[i]!)) {
      const start = i;
      while (/[\d.eE+-]/.test(text[i + 1] ?? '')) i++;
      const number = text.slice(start, i + 1);
      if (!/^\d+$/.test(number)) throw new SyntaxError(`${number.slice(0, 40)} is not a whole number`);
    }
  }
  return value;
}
