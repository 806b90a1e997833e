/** How prompts are joined: their predictions averaged, their tokens side by side, or their features averaged. */
export const joinings = ['combine', 'concat', 'average'] as const;
export type Joining = (typeof joinings)[number];

/** What follows the first text of an entry, from left to right. */
export interface JoinedTerm {
  readonly how: 'concat' | 'average';
  /** Of what stands before it, in an average; the text has the rest. */
  readonly weight: number;
  readonly text: string;
}

/** One of the prompts that are combined. */
export interface JoinedPrompt {
  readonly first: string;
  readonly terms: readonly JoinedTerm[];
}

/** A line of its own between two prompts: `=== combine ===`, `=== concat ===`, `=== average 0.5 ===`. */
export const joint = /^=== (combine|concat|average (0|1|0\.\d{1,9})) ===$/m;
const joints = /^=== (?:combine|concat|average (?:0|1|0\.\d{1,9})) ===$/gm;

/** Writes what `readJoined` reads. `weight` in [0, 1]: what stands before it in an average. */
export function jointOf(how: Joining, weight: number): string {
  return `\n=== ${how === 'average' ? `average ${Number(weight.toFixed(9))}` : how} ===\n`;
}

/** The prompts that a text combines, at least one. */
export function readJoined(prompt: string): JoinedPrompt[] {
  const texts = prompt.split(joints).map((text, i) => (i > 0 ? text.replace(/^\n/, '') : text));
  const own = texts.map((text, i) => (i < texts.length - 1 ? text.replace(/\n$/, '') : text));
  const entries: { first: string; terms: JoinedTerm[] }[] = [{ first: own[0]!, terms: [] }];
  for (const [i, [line]] of [...prompt.matchAll(joints)].entries()) {
    const [, written, weight = '1'] = joint.exec(line)!;
    const text = own[i + 1]!;
    if (written === 'combine') entries.push({ first: text, terms: [] });
    else entries.at(-1)!.terms.push({ how: written === 'concat' ? 'concat' : 'average', weight: Number(weight), text });
  }
  return entries;
}

/** The text of one of the prompts that are combined. */
export function writeJoined({ first, terms }: JoinedPrompt): string {
  return terms.reduce((text, term) => text + jointOf(term.how, term.weight) + term.text, first);
}
