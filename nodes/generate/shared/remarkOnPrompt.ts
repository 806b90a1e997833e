import type { NodeContext } from '../../defineNode.ts';
import { splitWords } from '../../ml/world/parsePrompt.ts';
import type { Generator } from '../../ports.ts';

/** Letters of a prompt that a remark quotes. */
const LONGEST_QUOTE = 200;

/** How other programs write weights, alternations and what to load: `(x:1.3)`, `((x))`, `(x)++`, `[x]`, `<lora:x:1>`. */
const signs = {
  weight: /\([^()]{0,200}:\s{0,9}[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s{0,9}\)|\(\([^()]{1,200}\)\)/,
  /** Of Join prompts. */
  joint: /=== (?:combine|concat|average [\d.]{1,11}) ===/,
  plus: /\([^()]{1,200}\)[+-]{1,9}/,
  bracket: /\[[^[\]]{1,200}\]/,
  network: /<\w{1,20}:[^<>]{1,200}>/,
  word: /(?<![\p{L}\p{N}_])(?:BREAK|AND)(?![\p{L}\p{N}_])/u,
};
const anyOf = (...kinds: readonly (keyof typeof signs)[]) =>
  RegExp(kinds.map((kind) => signs[kind].source).join('|'), 'u');

/** Signs that have no meaning in a style, and what is said of them. */
const literal = {
  plain: {
    found: anyOf('joint', 'weight', 'plus', 'bracket', 'network'),
    advice: 'the prompt style of Load generator is plain; choose comfy or a1111 for weights, or write words alone',
  },
  comfy: {
    found: anyOf('plus', 'bracket', 'network', 'word'),
    advice: 'ComfyUI gives it no meaning; the prompt style a1111 of Load generator does, but for + and -',
  },
  a1111: { found: anyOf('plus'), advice: 'stable-diffusion-webui gives + and - no meaning; write (x:1.2)' },
  words: {
    found: anyOf('joint', 'weight', 'plus', 'bracket', 'network'),
    advice: 'prompts have no weights or commands here, so write words alone',
  },
};

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
    remarkOnSigns(generator, text, remark);
    for (const unknown of generator.unknownEmbeddings?.(text) ?? [])
      remark(
        `There is no embedding "${quotePart(unknown)}", and the prompt is read without it: Load embeddings (model/load-embeddings) reads their files.`,
      );
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
      `The prompt is longer than the text encoder of "${name}" reads; this end of it has no effect: "${quotePart(unread)}".`,
    );
}

function remarkOnSigns({ words, promptStyle }: Generator, text: string, remark: NodeContext['remark']): void {
  const style = words ? 'words' : (promptStyle ?? 'words');
  const { found, advice } = literal[style];
  const sign = found.exec(text)?.[0];
  if (sign !== undefined) remark(`"${quotePart(sign)}" is read as it is written: ${advice}.`);
  const network = style === 'a1111' ? new RegExp(signs.network, 'u').exec(text)?.[0] : undefined;
  if (network !== undefined)
    remark(`"${quotePart(network)}" is left out of the prompt: a LoRA is loaded by the node Load LoRA.`);
}

/** A part of a prompt as remarks quote it: its middle is left out where it is long. */
export function quotePart(text: string): string {
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE - 80)} [...] ${text.slice(-80)}` : text;
}
