import { UserError } from '../../errors.ts';
import { randomStream } from '../random.ts';
import { pickToken, type Sampling } from '../text/pickToken.ts';
import { dispose, slice, tidy } from '../tf.ts';
import type { Gpt2Past } from './gpt2.ts';
import type { LoadedGpt2 } from './load/loadGpt2.ts';

export interface Continuation extends Sampling {
  /** Tokens to write at most. */
  readonly tokens: number;
  readonly seed: number;
  /** Awaited after each token; where it rejects, every tensor is freed. */
  progress?(written: number): Promise<void>;
}

/**
 * The continuation of a text by a GPT-2: token by token until it ends the text or the line, has written `tokens`, or its
 * window is full. Only the last whole phrase is kept where it was cut off, and no broken end. The same for the same seed on the same
 * device. Throws UserError `PROMPT_TOO_LONG`, `NO_START`, `NOT_FINITE`, or what `progress` rejects with.
 */
export async function continueText(model: LoadedGpt2, text: string, options: Continuation): Promise<string> {
  const { config, tokenizer } = model;
  const start = tokenizer.encode(text);
  if (start.length >= config.n_positions)
    throw new UserError(
      'PROMPT_TOO_LONG',
      `The prompt has ${start.length} tokens, and "${model.name}" has room for ${config.n_positions} with what it writes. Shorten it.`,
    );
  if (start.length === 0 && !(config.bos_token_id < config.vocab_size))
    throw new UserError('NO_START', `"${model.name}" cannot begin with nothing. Write at least one word.`);
  const random = randomStream(options.seed);
  const written: number[] = [];
  const ids = writeTokens(model, start.length === 0 ? [config.bos_token_id] : start, (logits) =>
    pickToken(logits, options, random),
  );
  for await (const id of ids) {
    if (config.eos_token_id.includes(id)) return withoutBrokenEnd(tokenizer.decode(written), false);
    written.push(id);
    const [line, ...further] = tokenizer.decode(written).split(/[\r\n]/) as [string, ...string[]];
    if (further.length > 0) return withoutBrokenEnd(line, false);
    await options.progress?.(written.length);
    if (written.length === options.tokens) break;
  }
  return withoutBrokenEnd(tokenizer.decode(written), true);
}

/**
 * The tokens that `choose` takes of the logits [V] of each next one, until text and window are equally long. Each costs one
 * position, as keys and values of the others are kept. A caller that stops early must close the iterator, as `for await` does.
 */
export async function* writeTokens(
  { read, logits, config }: Pick<LoadedGpt2, 'read' | 'logits' | 'config'>,
  start: readonly number[],
  choose: (logits: Float32Array) => number,
): AsyncGenerator<number, void, void> {
  let past: Gpt2Past = [];
  let unread = start;
  try {
    for (let length = start.length; length < config.n_positions; length++) {
      const step = tidy(() => {
        const { states, past: all } = read(unread, past);
        return { logits: logits(slice(states, [unread.length - 1, 0])), past: all };
      });
      dispose(past);
      past = step.past;
      const values = (await step.logits.data()) as Float32Array;
      dispose(step.logits);
      const id = choose(values);
      yield id;
      unread = [id];
    }
  } finally {
    dispose(past);
  }
}

/**
 * A continuation without letters that are not whole and without what waits for more at its end: commas, dashes, open
 * brackets. Of one that `isCut`, the last phrase goes, or the last word where there is but one phrase.
 */
export function withoutBrokenEnd(text: string, isCut: boolean): string {
  const whole = text.replaceAll('\ufffd', '');
  if (!isCut) return trimmed(whole);
  return trimmed(whole.slice(0, Math.max(0, whole.lastIndexOf(',')))) || trimmed(whole.replace(/\S*$/, ''));
}

const trimmed = (text: string): string => text.replace(/[\s,;:|/\\&+([{<\u2013\u2014-]+$/, '');
