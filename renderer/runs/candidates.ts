import type { RunSummary } from '../../electron/host/ipc.ts';
import type { ImageLabel } from '../../nodes/ports.ts';
import { messages } from '../state/messages.ts';
import type { ViewedImage } from '../state/viewedImages.ts';
import { listImages, type RunImages } from './listImages.ts';

/** An image with all that is known of it: a row of the score table, a point of the Pareto plot. */
export interface Candidate {
  readonly key: string;
  readonly prompt: string | undefined;
  readonly seed: number | undefined;
  readonly scores: Readonly<Record<string, number>>;
  /** The file of the run folder that shows it. */
  readonly image: string | undefined;
}

/** One candidate for each row of a scores value of a run; `table` counts the values of the record. */
export function readCandidates(run: Pick<RunSummary, 'scores'> & RunImages, table: number): Candidate[] {
  const scores = run.scores[table];
  if (!scores) return [];
  const images = listImages(run);
  return scores.values.map((row, i) => {
    const { prompt, seed } = scores.labels[i] ?? {};
    return {
      key: `${table}.${i}`,
      prompt,
      seed,
      scores: Object.fromEntries(scores.names.map((name, column) => [name, row[column] ?? Number.NaN])),
      image: findImage(images, scores.labels[i] ?? {}),
    };
  });
}

/** The file that shows an image, found by its id or, in records of older versions without ids, by prompt and seed. */
function findImage(images: readonly ViewedImage[], { id, seed, prompt }: ImageLabel): string | undefined {
  if (id !== undefined) return images.find(({ label }) => label?.id === id)?.name;
  if (seed === undefined) return undefined;
  return images.find(({ label }) => label?.seed === seed && label.prompt === prompt)?.name;
}

/** The prompt and the seed of a candidate, or its number where it has no prompt. */
export function nameCandidate({ prompt, seed, key }: Candidate): string {
  const name = prompt ?? `${messages.results.candidate} ${key}`;
  return seed === undefined ? name : `${name}, ${messages.results.seed} ${seed}`;
}

/** The largest table with several scores, which a plot shows first; the first one where there is none. */
export function findPlottableTable({ scores }: Pick<RunSummary, 'scores'>): number {
  const sizes = scores.map(({ names, values }) => (names.length > 1 ? values.length : 0));
  return Math.max(0, sizes.indexOf(Math.max(...sizes)));
}

/** Which candidates no other is at least as good as in both scores and better in one; higher is better. */
export function findFront(candidates: readonly Candidate[], x: string, y: string): Candidate[] {
  const at = ({ scores }: Candidate, name: string) => scores[name] ?? Number.NaN;
  const sorted = candidates
    .filter((one) => Number.isFinite(at(one, x)) && Number.isFinite(at(one, y)))
    .sort((a, b) => at(b, x) - at(a, x) || at(b, y) - at(a, y));
  const front: Candidate[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const candidate of sorted) {
    const last = front.at(-1);
    const isSame = last && at(last, x) === at(candidate, x) && at(last, y) === at(candidate, y);
    if (at(candidate, y) <= best && !isSame) continue;
    best = at(candidate, y);
    front.push(candidate);
  }
  return front;
}

/** The rows as a table for spreadsheets. */
export function writeCsv(candidates: readonly Candidate[]): string {
  const names = [...new Set(candidates.flatMap(({ scores }) => Object.keys(scores)))];
  const quoted = (value: unknown) => {
    const text = value === undefined || Number.isNaN(value) ? '' : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = candidates.map(({ prompt, seed, scores }) => [prompt, seed, ...names.map((name) => scores[name])]);
  return [['prompt', 'seed', ...names], ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}
