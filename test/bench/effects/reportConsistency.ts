import { type ConditionKind, conditionKinds } from '../../../nodes/ml/world/conditionImage.ts';
import { csvText } from '../../../nodes/output/shared/csvText.ts';
import type { ConditionResult } from './consistency.ts';
import { type Interval, pairedBootstrap } from './pairedBootstrap.ts';
import { average, commonLines, inWords, tableInMarkdown } from './report.ts';
import { keyOf } from './runTrials.ts';

/** How the metric of each kind is called; of depth, less is better. */
const columns: Readonly<Record<ConditionKind, string>> = {
  segmentation: 'mIoU',
  edges: 'edge SSIM',
  depth: 'depth RMSE',
};

/** What a method comes to over all trials that every method has done. */
export interface ConditionRow {
  readonly method: string;
  readonly trials: number;
  readonly values: Readonly<Partial<Record<ConditionKind, number>>>;
  /** Against the base: paired over scenes. */
  readonly gains: Readonly<Partial<Record<ConditionKind, Interval>>>;
  readonly correct: number;
  readonly seconds: number;
  readonly calls: number;
}

/** A row a method that has lines, in the order of `methods`, compared with `base`. */
export function conditionRowsOf(
  results: readonly ConditionResult[],
  methods: readonly string[],
  base: string,
): ConditionRow[] {
  const begun = methods.filter((method) => results.some((each) => each.method === method));
  const common = commonLines(results, begun);
  const linesOf = (method: string) => common.filter((each) => each.method === method);
  const bases = new Map(linesOf(base).map((line) => [keyOf(line), line.value]));
  return begun.map((method) => {
    const own = linesOf(method);
    const kinds = conditionKinds.filter((kind) => own.some((line) => line.kind === kind));
    const of = (kind: ConditionKind) => own.filter((line) => line.kind === kind);
    const gainOf = (kind: ConditionKind) =>
      pairedBootstrap([of(kind).map((line) => line.value - bases.get(keyOf(line))!)]);
    return {
      method,
      trials: own.length,
      values: Object.fromEntries(kinds.map((kind) => [kind, average(of(kind).map(({ value }) => value))])),
      gains: Object.fromEntries(kinds.map((kind) => [kind, gainOf(kind)])),
      correct: average(own.map(({ correct }) => +correct)),
      seconds: average(own.map(({ seconds }) => seconds)),
      calls: average(own.map(({ calls }) => calls)),
    };
  });
}

/** The rows as a Markdown table. */
export function conditionMarkdownOf(rows: readonly ConditionRow[]): string {
  const head = ['method', ...conditionKinds.map((kind) => columns[kind]), 'correct', 's', 'calls'];
  const cell = ({ values, gains }: ConditionRow, kind: ConditionKind) => {
    const [value, gain] = [values[kind], gains[kind]];
    return value === undefined ? '' : `${value.toFixed(kind === 'depth' ? 1 : 3)}, ${inWords(gain!)}`;
  };
  const lines = rows.map((row) => [
    row.method,
    ...conditionKinds.map((kind) => cell(row, kind)),
    row.correct.toFixed(2),
    row.seconds.toFixed(1),
    row.calls.toFixed(0),
  ]);
  return tableInMarkdown(head, lines);
}

/** The rows as CSV. */
export function conditionTableOf(rows: readonly ConditionRow[]): string {
  return csvText(
    rows.map(({ method, trials, values, gains, ...rest }) => ({
      method,
      trials,
      ...Object.fromEntries(
        conditionKinds.flatMap((kind) => [
          [columns[kind], values[kind]],
          [`${columns[kind]} gain`, gains[kind]?.mean],
          [`${columns[kind]} gain low`, gains[kind]?.low],
          [`${columns[kind]} gain high`, gains[kind]?.high],
        ]),
      ),
      ...rest,
    })),
  );
}
