/** What a prompt is until which step, counted from 1; the last entry has the last step. */
export type PromptSchedule = readonly (readonly [until: number, text: string])[];

/** One of the prompts that AND joins: it counts `weight` times what guidance gives it. */
export interface SchedulePart {
  readonly weight: number;
  readonly schedule: PromptSchedule;
}

/** How deep brackets are read; a text with deeper ones is taken as it is. */
const DEEPEST = 100;

const and = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u;
const endWeight = /\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+))$/;

/** The prompts that the word AND joins, `text :w` with the weight w. Source: stable-diffusion-webui, get_multicond_prompt_list */
export function splitAnd(prompt: string): { text: string; weight: number }[] {
  return prompt.split(and).map((part) => {
    const text = part.trimEnd();
    const [ending, weight] = endWeight.exec(text.slice(-100)) ?? ['', 1];
    return { text: text.slice(0, text.length - ending.length), weight: Number(weight) };
  });
}

/**
 * How a prompt changes over the steps: `[a:b:n]` is a up to step n and b after it, `[b:n]` nothing up to it, `[a::n]` nothing after it, n with
 * a point as a part of all steps; `[a|b]` is another one in each step. They nest; other brackets are letters.
 * `hires` is the number of steps of a second pass, whose schedule it then gives: it is counted from `steps`, or from 1.0.
 * Source: stable-diffusion-webui, modules/prompt_parser.py, get_learned_conditioning_prompt_schedules
 */
export function scheduleA1111(prompt: string, steps: number, hires?: number): PromptSchedule {
  const last = hires ?? steps;
  const nodes = readPrompt(prompt);
  if (!nodes) return [[last, prompt]];
  const stepOf = (when: string) => {
    const isPart = when.includes('.');
    const from = hires === undefined ? 0 : isPart ? 1 : steps;
    return Math.min(last, Math.trunc((Number(when) - from) * (isPart ? last : 1)));
  };
  const ends = new Set([last]);
  const collect = (node: Node): void => {
    if (typeof node === 'string') return;
    if (node.when === undefined) for (let step = 1; step <= last; step++) ends.add(step);
    else if (stepOf(node.when) >= 1) ends.add(stepOf(node.when));
    for (const option of node.options) option.forEach(collect);
  };
  nodes.forEach(collect);
  const textAt = (step: number, parts: readonly Node[]): string =>
    parts
      .map((node) => {
        if (typeof node === 'string') return node;
        const { options, when } = node;
        const chosen = when === undefined ? (step - 1) % options.length : step <= stepOf(when) ? 0 : 1;
        return textAt(step, options[chosen]!);
      })
      .join('');
  return [...ends].sort((a, b) => a - b).map((until) => [until, textAt(until, nodes)]);
}

/** Text, or one of several by the step: before and after `when`, or in turn where there is none. */
type Node = string | { readonly options: readonly (readonly Node[])[]; readonly when?: string };

const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const plain = /(?:[^\\[\]():|]|\\.)+/y;

/** Undefined where webui does not read the text, and takes it as it is. */
function readPrompt(text: string): Node[] | undefined {
  const partners = matchBrackets(text);
  const nodes: Node[] = [];
  for (let at = 0; at < text.length; ) {
    const read = readOne(text, at, partners, 0);
    if (!read && !/[[\]():]/.test(text[at]!)) return undefined;
    nodes.push(...(read?.nodes ?? [text[at]!]));
    at = read?.end ?? at + 1;
  }
  return nodes;
}

interface Read {
  readonly nodes: readonly Node[];
  readonly end: number;
}

/** What stands at a place: plain text, or brackets with what is in them; undefined where it is neither. */
function readOne(text: string, at: number, partners: ReadonlyMap<number, number>, depth: number): Read | undefined {
  plain.lastIndex = at;
  const letters = plain.exec(text)?.[0];
  if (letters !== undefined) return { nodes: [letters], end: at + letters.length };
  const close = partners.get(at);
  if (close === undefined || depth === DEEPEST) return undefined;
  const inside = readFields(text, at + 1, close, partners, depth + 1);
  const nodes = inside && (text[at] === '(' ? emphasised(inside) : bracketed(inside));
  return nodes && { nodes, end: close + 1 };
}

interface Fields {
  readonly fields: readonly (readonly Node[])[];
  /** Between one field and the next. */
  readonly signs: readonly string[];
}

function readFields(
  text: string,
  start: number,
  end: number,
  partners: ReadonlyMap<number, number>,
  depth: number,
): Fields | undefined {
  const [fields, signs]: [Node[][], string[]] = [[[]], []];
  for (let at = start; at < end; ) {
    if (text[at] === ':' || text[at] === '|') {
      signs.push(text[at++]!);
      fields.push([]);
      continue;
    }
    const read = readOne(text, at, partners, depth);
    if (!read) return undefined;
    fields.at(-1)!.push(...read.nodes);
    at = read.end;
  }
  return { fields, signs };
}

/** `(x)` or `(x:y)`: letters here, whose weights are read later. */
function emphasised({ fields, signs }: Fields): Node[] | undefined {
  if (signs.join('').replace(':', '') !== '') return undefined;
  return ['(', ...fields.flatMap((field, i) => (i > 0 ? [':', ...field] : field)), ')'];
}

function bracketed({ fields, signs }: Fields): Node[] | undefined {
  if (signs.length === 0) return ['[', ...fields[0]!, ']'];
  if (signs.every((sign) => sign === '|')) return [{ options: fields }];
  const last = fields.at(-1)!;
  const when = last.length === 1 && typeof last[0] === 'string' && number.test(last[0]) ? last[0] : undefined;
  if (when === undefined || !/^::?$/.test(signs.join(''))) return undefined;
  return [{ options: fields.length === 3 ? fields.slice(0, 2) : [[], fields[0]!], when }];
}

/** Opening brackets -> the closing ones that match them. A backslash takes the sign after it out. */
function matchBrackets(text: string): ReadonlyMap<number, number> {
  const partners = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '\\') at++;
    if (sign === '(' || sign === '[') open.push(at);
    if (sign !== ')' && sign !== ']') continue;
    const start = open.at(-1);
    if (start === undefined || text[start] !== (sign === ')' ? '(' : '[')) open.length = 0;
    else partners.set(open.pop()!, at);
  }
  return partners;
}
