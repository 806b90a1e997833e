import { writeTokens } from '../models/continueText.ts';
import { loadGpt2 } from '../models/load/loadGpt2.ts';
import { likelyTokens, type Sampling } from '../text/pickToken.ts';
import { slice, type Tensor2D, tensor2d, tidy } from '../tf.ts';
import type { Family } from './family.ts';

interface Settings {
  readonly prompts: readonly string[];
  /** Tokens of a greedy continuation at most. */
  readonly limit: number;
  readonly sampling: readonly Sampling[];
  readonly texts: readonly string[];
}

/** GPT-2 in transformers' layout: token ids of texts, logits, greedy continuations, probabilities of the next token. */
export const tinyGpt2: Family = async (golden) => {
  const model = await loadGpt2(golden.files, golden.path);
  try {
    const { read, logits, tokenizer, config } = model;
    const { prompts, limit, sampling, texts } = golden.settings as unknown as Settings;
    const prompt = tokenizer.encode(prompts[0]!);
    const all = (ids: readonly number[]) => tidy(() => logits(read(ids).states));

    golden.output('out.tokens.input_ids', padded(texts.map(tokenizer.encode)));
    golden.output('out.logits.window', all(Array.from(await golden.input('in.ids').data())));
    golden.output('out.logits.prompt', all(prompt));

    const continuations: number[][] = [];
    for (const text of prompts) {
      const ids: number[] = [];
      const likeliest = (next: Float32Array) => next.indexOf(Math.max(...next));
      for await (const id of writeTokens(model, tokenizer.encode(text), likeliest)) {
        ids.push(id);
        if (config.eos_token_id.includes(id) || tokenizer.decode([id]).includes('\n') || ids.length === limit) break;
      }
      continuations.push(ids);
    }
    golden.output('out.greedy.ids', padded(continuations, limit));

    const last = tidy(() => slice(logits(read(prompt).states), [prompt.length - 1, 0]));
    const next = (await last.data()) as Float32Array;
    last.dispose();
    golden.output('out.probabilities', probabilities(next, sampling));
  } finally {
    model.dispose();
  }
};

/** Rows end to end, all as long as the longest or as `width`, -1 behind their ends. */
function padded(rows: readonly (readonly number[])[], width = Math.max(...rows.map((row) => row.length))): number[] {
  return rows.flatMap((row) => Array.from({ length: width }, (_, i) => row[i] ?? -1));
}

/** A row for each setting, a column for each token. */
function probabilities(logits: Float32Array, settings: readonly Sampling[]): Tensor2D {
  const rows = settings.map((sampling) => {
    const row = new Float32Array(logits.length);
    for (const { id, probability } of likelyTokens(logits, sampling)) row[id] = probability;
    return row;
  });
  return tensor2d(rows.map((row) => [...row]));
}
