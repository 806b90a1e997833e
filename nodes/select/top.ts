import { defineNode, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { gather, tensor1d } from '../ml/tf.ts';
import { choice, integer, text } from '../params.ts';
import type { Scores } from '../ports.ts';
import { requireRows } from './shared/requireRows.ts';

export const top = defineNode({
  type: 'select/top',
  version: 1,
  title: 'Top',
  summary: 'Keeps the images with the best scores, best first.',
  inputs: { images: one('images'), scores: one('scores', { help: 'One row for each image, in the same order.' }) },
  params: {
    keep: integer({ initial: 1, min: 1, max: 1000, help: 'How many images to keep; all, where there are fewer.' }),
    by: text({ initial: '', help: 'The name of the score that decides; empty takes the sum of all.' }),
    best: choice({
      initial: 'highest',
      options: ['highest', 'lowest'],
      help: 'Which end of the scores is the good one.',
    }),
  },
  outputs: { images: 'images', scores: 'scores' },
  run({ images, scores }, { keep, by, best }) {
    const { labels, pixels } = images;
    requireRows(labels.length, scores.values.length, 'scores');
    const sign = best === 'highest' ? 1 : -1;
    const rank = decidingScores(scores, by).map((score) => sign * score);
    const rows = rank.map((_, row) => row).sort((a, b) => (rank[b] ?? 0) - (rank[a] ?? 0)); // stable: ties keep their order
    const kept = rows.slice(0, keep);
    const indices = tensor1d(kept, 'int32');
    try {
      return {
        images: { pixels: gather(pixels, indices), labels: kept.map((row) => labels[row] ?? {}) },
        scores: {
          names: scores.names,
          values: kept.map((row) => scores.values[row] ?? []),
          labels: kept.map((row) => scores.labels[row] ?? {}),
        },
      };
    } finally {
      indices.dispose();
    }
  },
});

/** One number a row: the named column, or the sum of all. Throws UserError `UNKNOWN_SCORE`. */
function decidingScores({ names, values }: Scores, by: string): number[] {
  if (by === '') return values.map((row) => row.reduce((sum, value) => sum + value, 0));
  const column = names.indexOf(by);
  if (column >= 0) return values.map((row) => row[column] ?? Number.NaN);
  throw new UserError(
    'UNKNOWN_SCORE',
    `There is no score "${by}"; there are ${names.map((name) => `"${name}"`).join(', ')}.`,
    {
      at: { param: 'by' },
    },
  );
}
