import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import type { RandomStream } from '../random.ts';

/** How deep braces and wildcards stand in each other, and how many choices one text takes. */
const DEEPEST = 30;
const MOST_CHOICES = 10_000;
const LONGEST = 100_000;

/** `__name__`: an option of the list of that name. */
const wildcard = /__(?!_)([\p{L}\p{N}_./ -]{1,100}?)__/u;

/** Names of all wildcards in a text. */
export function wildcardNames(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(new RegExp(wildcard, 'gu')), ([, name]) => name as string))];
}

/**
 * A text with a choice made wherever it has one: `{a|b}` one of them, `{3::a|b}` a three times as often, `{2$$a|b|c}` two of them with commas,
 * `{1-2$$ and $$a|b|c}` one or two with " and " between, `__name__` an option of a list, which may have choices of its own. `\{ \} \| \\` are letters,
 * as are braces without a partner. Throws UserError `NOT_FOUND` for a list that is not there, or `TOO_LARGE`.
 * Source: the syntax of the extension sd-dynamic-prompts, and ComfyUI's {a|b}
 */
export function expandTemplate(
  template: string,
  lists: ReadonlyMap<string, readonly string[]>,
  random: RandomStream,
): string {
  let [choices, letters] = [MOST_CHOICES, LONGEST];
  const expand = (text: string, depth: number): string => {
    if (depth > DEEPEST)
      throw new UserError(
        'TOO_LARGE',
        `Choices stand more than ${DEEPEST} deep in each other: does a wildcard lead to itself?`,
      );
    const pieces: string[] = [];
    const closing = matchBraces(text);
    const add = (piece: string) => {
      letters -= depth === 0 ? piece.length : 0;
      if (letters < 0) throw new UserError('TOO_LARGE', `The prompt would have more than ${LONGEST} letters.`);
      pieces.push(piece);
    };
    for (let at = 0; at < text.length; ) {
      const close = closing.get(at);
      const name = text.startsWith('__', at) ? wildcardAt(text, at) : undefined;
      if (close !== undefined) add(choose(text.slice(at + 1, close), depth));
      else if (name !== undefined) add(draw(listOf(name, lists), depth));
      else add(isEscaped(text, at) ? text[at + 1]! : text[at]!);
      at = close !== undefined ? close + 1 : at + (name !== undefined ? name.length + 4 : isEscaped(text, at) ? 2 : 1);
    }
    return pieces.join('');
  };
  const draw = (options: readonly string[], depth: number): string => {
    if (choices-- === 0) throw new UserError('TOO_LARGE', `The prompt makes more than ${MOST_CHOICES} choices.`);
    return expand(options[random.integer(options.length)]!, depth + 1);
  };
  const choose = (inside: string, depth: number): string => {
    const [heading, least, most, between] = /^(\d{1,3})(?:-(\d{1,3}))?\$\$(?:([^|{}]*?)\$\$)?/.exec(inside) ?? [];
    const options = splitOptions(inside.slice(heading?.length ?? 0)).map(readOption);
    const [low, high] = [Number(least ?? 1), Number(most ?? least ?? 1)];
    const count = Math.min(options.length, low + random.integer(Math.max(0, high - low) + 1));
    const chosen = Array.from({ length: count }, () => {
      if (choices-- === 0) throw new UserError('TOO_LARGE', `The prompt makes more than ${MOST_CHOICES} choices.`);
      return options.splice(weightedIndex(options, random), 1)[0]!;
    });
    return chosen.map(({ text }) => expand(text, depth + 1)).join(between ?? ', ');
  };
  return expand(template, 0);
}

const isEscaped = (text: string, at: number): boolean => text[at] === '\\' && /[{}|\\]/.test(text[at + 1] ?? '');

function wildcardAt(text: string, at: number): string | undefined {
  const found = wildcard.exec(text.slice(at, at + 104));
  return found?.index === 0 ? found[1] : undefined;
}

function listOf(name: string, lists: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const options = lists.get(name);
  if (options && options.length > 0) return options;
  throw new UserError('NOT_FOUND', `There is no option for the wildcard ${quote(`__${name}__`)}.`);
}

interface Option {
  readonly text: string;
  readonly weight: number;
}

function readOption(option: string): Option {
  const [heading, weight] = /^\s*(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})::/.exec(option) ?? [];
  return { text: option.slice(heading?.length ?? 0), weight: weight === undefined ? 1 : Number(weight) };
}

/** Where no option has a weight, they are equally likely. */
function weightedIndex(options: readonly Option[], random: RandomStream): number {
  const total = options.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return random.integer(options.length);
  let rest = random.uniform() * total;
  const chosen = options.findIndex(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
  return chosen < 0 ? options.length - 1 : chosen;
}

/** Opening braces -> the closing ones that match them. */
function matchBraces(text: string): ReadonlyMap<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (isEscaped(text, at)) at++;
    else if (text[at] === '{') open.push(at);
    else if (text[at] === '}' && open.length > 0) closing.set(open.pop()!, at);
  }
  return closing;
}

/** What stands between the bars that are in no braces. */
function splitOptions(inside: string): string[] {
  const closing = matchBraces(inside);
  const options: string[] = [];
  let start = 0;
  for (let at = 0; at < inside.length; at++) {
    if (isEscaped(inside, at)) at++;
    else if (inside[at] === '|') {
      options.push(inside.slice(start, at));
      start = at + 1;
    } else at = closing.get(at) ?? at;
  }
  return [...options, inside.slice(start)];
}
