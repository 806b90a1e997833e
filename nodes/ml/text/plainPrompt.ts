import type { Generator, ImageLabel } from '../../ports.ts';
import { readJoined } from './joinedPrompt.ts';
import { breakMark, parseA1111, withoutNetworks } from './parseA1111.ts';
import { parseComfy } from './parseComfy.ts';
import type { WeightedText } from './promptChunk.ts';
import { scheduleA1111, splitAnd } from './scheduleA1111.ts';

const breakWord = /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u;
const embeddingName = /(?<!\S)embedding:\S*/g;

/**
 * The words of a prompt without what a generator of that style takes from it besides: weights, chunks, prompts that are
 * joined, names of embeddings and LoRAs. Texts that count 0 times or less are left out, and what changes over the steps is
 * as in the last of `steps`. A prompt without any such sign is given back as it is.
 */
export function plainPrompt(prompt: string, style: Generator['promptStyle'], steps: number): string {
  if (style === undefined || style === 'plain') return prompt;
  const joined = readJoined(prompt).flatMap(({ first, terms }) => [first, ...terms.map(({ text }) => text)]);
  const texts = joined.flatMap((text) => (style === 'comfy' ? comfyTexts(text) : a1111Texts(text, steps)));
  return texts.length === 1 && texts[0]?.trimEnd() === prompt.trimEnd() ? prompt : listTexts(texts);
}

/** A label with the words that rewards read, where the prompt is not words alone. */
export function labelPrompt(
  { promptStyle }: Pick<Generator, 'promptStyle'>,
  prompt: string,
  steps: number,
): Pick<ImageLabel, 'prompt' | 'words'> {
  const words = plainPrompt(prompt, promptStyle, steps);
  return words === prompt ? { prompt } : { prompt, words };
}

/** What rewards read of the image with that label; `prompt`: what somebody says that it should show. */
export function wordsOf(label: ImageLabel, prompt: string | undefined = label.prompt): string {
  return prompt === label.prompt ? (label.words ?? prompt ?? '') : (prompt ?? '');
}

function comfyTexts(prompt: string): string[] {
  return textOf(parseComfy(prompt)).replace(embeddingName, '').split(breakWord);
}

function a1111Texts(prompt: string, steps: number): string[] {
  const parts = splitAnd(withoutNetworks(prompt)).filter(({ weight }) => weight > 0);
  return parts.flatMap(({ text }) => {
    const last = scheduleA1111(text, steps).at(-1)![1];
    const chunks: WeightedText[][] = [[]];
    for (const piece of parseA1111(last))
      if (piece.text === breakMark.text && piece.weight === breakMark.weight) chunks.push([]);
      else chunks.at(-1)!.push(piece);
    return chunks.map(textOf);
  });
}

const textOf = (pieces: readonly WeightedText[]): string =>
  pieces.map(({ text, weight }) => (weight > 0 ? text : '')).join('');

/** Texts side by side with commas between, and with one space where several are left. */
function listTexts(texts: readonly string[]): string {
  const tidied = texts.map((text) =>
    text
      .replace(/\s+/g, ' ')
      .replace(/ (?=,)/g, '')
      .replace(/,(?:\s*,)+/g, ',')
      .replace(/^[ ,]+|[ ,]+$/g, ''),
  );
  return tidied.filter((text) => text !== '').join(', ');
}
