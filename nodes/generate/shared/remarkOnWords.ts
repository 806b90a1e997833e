import type { NodeContext } from '../../defineNode.ts';
import { wordsOf } from '../../ml/world/parsePrompt.ts';
import type { Generator } from '../../ports.ts';

/** Remarks on words of a prompt that the generator cannot know; it still reads them, letter by letter. */
export function remarkOnWords({ name, words }: Generator, prompt: string, remark: NodeContext['remark']): void {
  if (!words) return;
  const unknown = [...new Set(wordsOf(prompt).filter((word) => !words.includes(word)))];
  if (unknown.length === 0) return;
  const quoted = unknown.map((word) => `"${word}"`).join(', ');
  remark(`"${name}" knows no ${quoted}, so the image may show anything; it knows these words: ${words.join(', ')}.`);
}
