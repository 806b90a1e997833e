import { UserError } from '../../errors.ts';
import {
  type Background,
  backgroundNames,
  type Colour,
  captionWords,
  colourNames,
  numbers,
  plural,
  type Relation,
  type Shape,
  shapes,
  type Task,
} from './words.ts';

/** At least `count` objects of a shape. */
export interface Clause {
  readonly shape: Shape;
  readonly count: number;
  /** Of each of them. */
  readonly colour?: Colour;
  /** Where each of them lies as seen from the objects of include clause `target`. */
  readonly position?: { readonly relation: Relation; readonly target: number };
}

/**
 * What a prompt asks for, in GenEval's terms: a picture is right if it satisfies every `include` clause and no shape
 * reaches the count of an `exclude` clause.
 */
export interface PromptClauses {
  readonly task: Task;
  readonly include: readonly Clause[];
  readonly exclude: readonly { readonly shape: Shape; readonly count: number }[];
  /** Named, but not judged: GenEval has no such clause. */
  readonly background?: Background;
}

interface Phrase {
  readonly shape: Shape;
  readonly count: number;
  readonly colour?: Colour;
}

/** Words that a prompt may use besides those of the world's captions. */
const extraWords = ['the', 'one', 'is', 'to', 'picture', 'image'];

/**
 * Reads a prompt of the built-in world, case and punctuation aside: [a photo of] PHRASE [and PHRASE | RELATION PHRASE]
 * [on a BACKGROUND background], where PHRASE is a count or article, perhaps a colour, and a shape.
 * Source: GenEval, arXiv 2310.11513, prompts/evaluation_metadata.jsonl (clauses of the six tasks).
 * Throws UserError `UNKNOWN_WORDS` for words outside the world, `BAD_PROMPT` where the words make no such sentence.
 */
export function parsePrompt(prompt: string): PromptClauses {
  const unknown = unknownWords(prompt);
  if (unknown.length > 0)
    throw new UserError(
      'UNKNOWN_WORDS',
      `The built-in world knows no ${unknown.map((word) => `"${word}"`).join(', ')} of the prompt "${prompt}". It knows these words: ${captionWords.join(', ')}.`,
    );
  const sentence = new RegExp(
    `^(?:(?:(?:an?|the) )?(?:photo|picture|image) of )?(${phrase})(?: (and|${RELATION}) (${phrase}))?(?: on an? (${backgroundNames.join('|')}) background)?$`,
  ).exec(splitWords(prompt).join(' '));
  if (!sentence)
    throw new UserError(
      'BAD_PROMPT',
      `The prompt "${prompt}" is no sentence of the built-in world. Write one or two objects, e.g. "a photo of a star", "a red circle and a blue ring", "three squares", "a cross left of a star".`,
    );
  const [, first, joint, second, background] = sentence;
  return {
    ...buildClauses(readPhrase(first!), joint, second === undefined ? undefined : readPhrase(second)),
    ...(background === undefined ? {} : { background: background as Background }),
  };
}

/** The words of a prompt, lower case, that no caption of the built-in world uses; each once. */
export function unknownWords(prompt: string): string[] {
  return [...new Set(splitWords(prompt).filter((word) => !captionWords.includes(word) && !extraWords.includes(word)))];
}

/** The words of a text, in lower case. */
export const splitWords = (prompt: string): readonly string[] => prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const phrase = `(?:an?|the|one|${Object.values(numbers).join('|')}) (?:(?:${colourNames.join('|')}) )?(?:${shapes
  .flatMap((shape) => [plural(shape), shape])
  .join('|')})`;
const RELATION = '(?:is )?(?:(?:to )?(?:the )?(?:left|right) of|above|below)';

function readPhrase(text: string): Phrase {
  const words = text.split(' ');
  const last = words[words.length - 1]!;
  const count = Object.entries(numbers).find(([, word]) => word === words[0])?.[0];
  return {
    shape: shapes.find((shape) => last === shape || last === plural(shape))!,
    count: Number(count ?? 1),
    ...(words.length === 3 ? { colour: words[1] as Colour } : {}),
  };
}

/** GenEval puts the object that a position refers to first. Of a shape that is counted (from two on) there must be no more. */
function buildClauses(first: Phrase, joint?: string, second?: Phrase): PromptClauses {
  const phrases = second ? [first, second] : [first];
  const counted = new Set(phrases.filter(({ count }) => count > 1).map(({ shape }) => shape));
  const total = (of: Shape) => phrases.reduce((sum, { shape, count }) => sum + (shape === of ? count : 0), 0);
  const exclude = [...counted].map((shape) => ({ shape, count: total(shape) + 1 }));
  if (!second) {
    const task = first.count > 1 ? 'counting' : first.colour ? 'colours' : 'single';
    return { task, include: phrases, exclude };
  }
  const side = /left|right|above|below/.exec(joint!)?.[0];
  if (side) {
    const relation = (side === 'left' || side === 'right' ? `${side} of` : side) as Relation;
    return { task: 'position', include: [second, { ...first, position: { relation, target: 0 } }], exclude };
  }
  const coloured = phrases.some(({ colour }) => colour);
  return { task: exclude.length > 0 ? 'counting' : coloured ? 'attribution' : 'two', include: phrases, exclude };
}
