import { tasks } from '../../../nodes/ml/world/words.ts';
import { csvText } from '../../../nodes/output/shared/csvText.ts';
import type { Calibrations } from './calibrate.ts';
import { type Interval, pairedBootstrap } from './pairedBootstrap.ts';
import { keyOf } from './runTrials.ts';
import type { Method, Outcome, Result } from './trial.ts';

/** What a method comes to over all trials that every method has done. */
export interface Row {
  readonly method: string;
  readonly trials: number;
  /** Share of correct images of each task that there are trials of, in the order of `tasks`. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly mean: number;
  /** Against the base: paired over prompts, which are drawn anew with all of their seeds. */
  readonly gain: Interval;
  readonly satisfied: number;
  readonly scores: Readonly<Record<string, number>>;
  /** Gains over the base in deviations of plain images: of the rewards that it optimises, of those held out, and how far apart. */
  readonly optimised?: number;
  readonly heldOut: number;
  readonly gap?: number;
  readonly seconds: number;
  readonly calls: number;
  readonly length: number;
  /** Mean hypervolume, of populations only. */
  readonly volume: number | undefined;
}

/** What rows are made with. */
export interface Judging {
  /** In order; the first is the base. */
  readonly methods: Readonly<Record<string, Pick<Method, 'optimises' | 'curve'>>>;
  /** Names of the rewards that no method optimises. */
  readonly heldOut: readonly string[];
  readonly calibrations: Calibrations;
}

export const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The lines of trials that all of some methods have done. */
export function commonLines<Line extends Outcome>(lines: readonly Line[], methods: readonly string[]): Line[] {
  const done = methods.map((method) => new Set(lines.filter((line) => line.method === method).map(keyOf)));
  return lines.filter((line) => methods.includes(line.method) && done.every((keys) => keys.has(keyOf(line))));
}

/** A row a method that has lines. Trials that one of them has not done yet count for none. */
export function rowsOf(results: readonly Result[], { methods, heldOut, calibrations }: Judging): Row[] {
  const begun = Object.keys(methods).filter((method) => results.some((each) => each.method === method));
  const common = commonLines(results, begun);
  const base = common.filter(({ method }) => method === begun[0]);
  const present = tasks.filter((task) => base.some((each) => each.task === task));
  return begun.map((method) => {
    const own = common.filter((each) => each.method === method);
    const shares = present.map((task) =>
      average(own.filter((each) => each.task === task).map(({ correct }) => +correct)),
    );
    const strata = present.map((task) => {
      const prompts = [...new Set(base.filter((each) => each.task === task).map(({ prompt }) => prompt))];
      const share = (of: readonly Result[], prompt: string) =>
        average(of.filter((each) => each.prompt === prompt).map(({ correct }) => +correct));
      return prompts.map((prompt) => share(own, prompt) - share(base, prompt));
    });
    const scoreOf = (of: readonly Result[], name: string) => average(of.map(({ scores }) => scores[name]!));
    const standardised = (names: readonly string[]) =>
      average(names.map((name) => (scoreOf(own, name) - scoreOf(base, name)) / calibrations[name]!.deviation));
    const { optimises } = methods[method]!;
    const gains = {
      heldOut: standardised(heldOut),
      ...(optimises.length > 0 && { optimised: standardised(optimises) }),
    };
    return {
      method,
      trials: own.length,
      tasks: Object.fromEntries(present.map((task, i) => [task, shares[i]!])),
      mean: average(shares),
      gain: pairedBootstrap(strata),
      satisfied: average(own.map(({ satisfied }) => satisfied)),
      scores: Object.fromEntries(Object.keys(own[0]?.scores ?? {}).map((name) => [name, scoreOf(own, name)])),
      ...gains,
      ...(gains.optimised !== undefined && { gap: gains.optimised - gains.heldOut }),
      seconds: average(own.map(({ seconds }) => seconds)),
      calls: average(own.map(({ calls }) => calls)),
      length: average(own.map(({ length }) => length)),
      volume: own[0]?.volume === undefined ? undefined : average(own.map(({ volume }) => volume ?? 0)),
    };
  });
}

/** The hypervolume of one method less that of another, paired over the trials that both have done. */
export function volumeGain(results: readonly Result[], method: string, other: string): Interval {
  const common = commonLines(results, [method, other]);
  const volumes = new Map(common.filter((line) => line.method === other).map((line) => [keyOf(line), line.volume!]));
  return pairedBootstrap([
    common.filter((line) => line.method === method).map((line) => line.volume! - volumes.get(keyOf(line))!),
  ]);
}

/** The rows as a Markdown table. */
export function markdownOf(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return '';
  const names = Object.keys(first.scores);
  const head = [
    'method',
    ...Object.keys(first.tasks),
    'mean',
    'gain (95 %)',
    'conditions met',
    ...names,
    'optimised gain',
    'held-out gain',
    'gap',
    's',
    'calls',
    'length',
    'volume',
  ];
  const lines = rows.map((row) => [
    row.method,
    ...[...Object.values(row.tasks), row.mean].map((share) => share.toFixed(2)),
    inWords(row.gain),
    row.satisfied.toFixed(2),
    ...names.map((name) => row.scores[name]!.toPrecision(4)),
    row.optimised === undefined ? '' : signed(row.optimised),
    signed(row.heldOut),
    row.gap === undefined ? '' : signed(row.gap),
    row.seconds.toFixed(1),
    row.calls.toFixed(0),
    row.length.toFixed(2),
    row.volume?.toFixed(3) ?? '',
  ]);
  return tableInMarkdown(head, lines);
}

/** A table in Markdown, numbers to the right. */
export function tableInMarkdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map((_, i) => (i === 0 ? '---' : '---:'))) + lines.map(line).join('');
}

/** A difference with its interval, where it has one. */
export function inWords({ mean, low, high }: Interval): string {
  return low === undefined || high === undefined ? signed(mean) : `${signed(mean)} (${signed(low)} to ${signed(high)})`;
}

const signed = (value: number) => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`;

/** The rows as CSV. */
export function tableOf(rows: readonly Row[]): string {
  return csvText(
    rows.map(({ method, trials, tasks, mean, gain, satisfied, scores, optimised, heldOut, gap, ...rest }) => ({
      method,
      trials,
      ...tasks,
      mean,
      gain: gain.mean,
      'gain low': gain.low,
      'gain high': gain.high,
      satisfied,
      ...scores,
      'optimised gain': optimised,
      'held-out gain': heldOut,
      gap,
      ...rest,
    })),
  );
}

/** Differences as bars with their intervals, an SVG image. */
export function chartOf(title: string, bars: readonly { readonly label: string; readonly gain: Interval }[]): string {
  const [left, width, height] = [230, 420, 26];
  const reach = Math.max(
    0.01,
    ...bars.flatMap(({ gain: { mean, low = mean, high = mean } }) => [low, mean, high].map(Math.abs)),
  );
  const x = (gain: number) => left + width / 2 + (gain / reach) * (width / 2);
  const interval = ({ low, high }: Interval, y: number) =>
    low === undefined || high === undefined
      ? ''
      : `<line x1="${x(low).toFixed(1)}" y1="${y + 7}" x2="${x(high).toFixed(1)}" y2="${y + 7}" stroke="#222" stroke-width="2"/>`;
  const drawn = bars.map(({ label, gain }, i) => {
    const y = 34 + i * height;
    const [from, to] = [Math.min(x(0), x(gain.mean)), Math.max(x(0), x(gain.mean))];
    return [
      `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${label.replace('&', '&amp;').replace('<', '&lt;')}</text>`,
      `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="14" fill="#4a7bd0"/>`,
      interval(gain, y),
    ].join('');
  });
  const bottom = 34 + bars.length * height;
  const axis = `<line x1="${x(0)}" y1="28" x2="${x(0)}" y2="${bottom}" stroke="#888"/>`;
  const heading = `<text x="8" y="18">${title}, 95 % intervals, axis to +-${reach.toFixed(2)}</text>`;
  const size = `viewBox="0 0 ${left + width + 20} ${bottom + 8}" width="${left + width + 20}" height="${bottom + 8}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${heading}${drawn.join('')}${axis}</svg>\n`;
}
