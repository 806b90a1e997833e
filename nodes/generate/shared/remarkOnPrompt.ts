import type { NodeContext } from '../../defineNode.ts';
import { splitWords } from '../../ml/world/parsePrompt.ts';
import type { Generator } from '../../ports.ts';

/** Letters of a prompt that a remark quotes. */
const LONGEST_QUOTE = 200;

/** How other programs write weights, alternations and what to load: `(x:1.3)`, `((x))`, `(x)++`, `[x]`, `<lora:x:1>`. */
const syntax =
  /\([^()]{0,200}:\s{0,9}[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s{0,9}\)|\(\([^()]{1,200}\)\)|\([^()]{1,200}\)[+-]{1,9}|\[[^[\]]{1,200}\]|<\w{1,20}:[^<>]{1,200}>/u;

/** Remarks on what a generator makes of a prompt, and of others such as the negative one, otherwise than one may think. */
export function remarkOnPrompt(
  generator: Generator,
  prompt: string,
  others: readonly string[],
  remark: NodeContext['remark'],
): void {
  remarkOnWords(generator, prompt, remark);
  for (const text of [prompt, ...others]) {
    remarkOnLength(generator, text, remark);
    remarkOnSyntax(text, remark);
  }
}

/** Remarks on words of a prompt that the generator cannot know; it still reads them, letter by letter. */
function remarkOnWords({ name, words }: Generator, prompt: string, remark: NodeContext['remark']): void {
  if (!words) return;
  const unknown = [...new Set(splitWords(prompt).filter((word) => !words.includes(word)))];
  if (unknown.length === 0) return;
  const quoted = unknown.map((word) => `"${word}"`).join(', ');
  remark(`"${name}" knows no ${quoted}, so the image may show anything; it knows these words: ${words.join(', ')}.`);
}

function remarkOnLength({ name, unreadPart }: Generator, text: string, remark: NodeContext['remark']): void {
  const unread = unreadPart?.(text) ?? '';
  if (unread !== '')
    remark(
      `The prompt is longer than the text encoder of "${name}" reads; this end of it has no effect: "${quoted(unread)}".`,
    );
}

function remarkOnSyntax(text: string, remark: NodeContext['remark']): void {
  const found = syntax.exec(text)?.[0];
  if (found !== undefined)
    remark(
      `"${quoted(found)}" is read as it is written: prompts have no weights or commands here, so write words alone.`,
    );
}

function quoted(text: string): string {
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE - 80)} [...] ${text.slice(-80)}` : text;
}
