import { peakBytes } from '../../../nodes/ml/optimise/peakBytes.ts';
import { matMul, ones, type Tensor, type Tensor2D } from '../../../nodes/ml/tf.ts';
import { type OperationTotal, operationsOf, sumOf } from './operations.ts';

/** One thing measured; what cannot be told on a device is NaN. */
export interface Figure {
  readonly name: string;
  /** Median by the clock. */
  readonly seconds: number;
  /** Median of processor time over all threads. */
  readonly processorSeconds: number;
  /** Median of its time over that of matrix products of as many floating-point operations, measured in the same rounds. */
  readonly overMatMul: number;
  readonly operations: number;
  readonly gigaflops: number;
  /** Bytes read and written by operations, in GiB. */
  readonly gibibytesMoved: number;
  /** The most held at once in tensors that it made, in MiB. */
  readonly peakMebibytes: number;
  readonly byOperation: readonly OperationTotal[];
}

/** Gives a tensor that is there when all of the work is done, and leaves no other. */
export type Work = () => Tensor;

/** Measures works round by round, so that what else the machine does meets them all; each once before, to warm up. */
export async function measure(works: Readonly<Record<string, Work>>, rounds: number): Promise<Figure[]> {
  const named = Object.entries(works);
  const about = [];
  for (const [name, work] of named) {
    await timed(work);
    const byOperation = operationsOf(() => work().dispose());
    about.push({ name, byOperation, peak: await peakBytes(() => work().dispose()) });
  }
  const times = named.map((): { seconds: number; processor: number; product: number }[] => []);
  for (let round = 0; round < rounds; round++) {
    const product = await secondsOfProduct();
    for (const [i, [, work]] of named.entries()) times[i]?.push({ ...(await timed(work)), product });
  }
  return about.map(({ name, byOperation, peak }, i) => {
    const flops = sumOf(byOperation, 'flops');
    const own = times[i] as (typeof times)[number];
    return {
      name,
      seconds: median(own.map(({ seconds }) => seconds)),
      processorSeconds: median(own.map(({ processor }) => processor)),
      overMatMul: median(own.map(({ seconds, product }) => seconds / (flops * product))),
      operations: sumOf(byOperation, 'count'),
      gigaflops: flops / 1e9,
      gibibytesMoved: sumOf(byOperation, 'bytes') / 2 ** 30,
      peakMebibytes: peak / 2 ** 20,
      byOperation,
    };
  });
}

/** Seconds of work, by the clock and of processor time. */
export async function timed(work: Work): Promise<{ seconds: number; processor: number }> {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  const result = work();
  await result.data(); // a graphics card works on when the call returns
  const { user, system } = process.cpuUsage(usage);
  const seconds = (performance.now() - start) / 1000;
  result.dispose();
  return { seconds, processor: (user + system) / 1e6 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

let square: Tensor2D | undefined;

/** Seconds that one floating-point operation of a product of two 1024 x 1024 matrices takes now; the best of five. */
export async function secondsOfProduct(): Promise<number> {
  square ??= ones([1024, 1024]);
  const runs: number[] = [];
  for (let run = 0; run < 5; run++) runs.push((await timed(() => matMul(square!, square!))).seconds);
  return Math.min(...runs) / (2 * 1024 ** 3);
}

/** A table whose first column is text and the others numbers. */
export function printTable(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? numeral(cell) : cell)));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]!.length)));
  for (const row of [heads, ...cells])
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]! + 2))).join(''));
  console.log();
}

/** Three digits, whole numbers whole. */
function numeral(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return Number.isInteger(value) ? String(value) : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function printFigures(figures: readonly Figure[]): void {
  printTable(
    ['', 'seconds', 'processor s', 'x matmul', 'operations', 'GFLOP', 'GiB moved', 'peak MiB'],
    figures.map((each) => [
      each.name,
      each.seconds,
      each.processorSeconds,
      each.overMatMul,
      each.operations,
      each.gigaflops,
      each.gibibytesMoved,
      each.peakMebibytes,
    ]),
  );
}

/** Which kinds of operation took the time of each thing, once. */
export function printOperations(figures: readonly Figure[]): void {
  for (const { name, byOperation } of figures)
    printTable(
      [name, 'times', 'ms', 'each', 'GFLOP/s', 'GiB/s'],
      byOperation
        .slice(0, 15)
        .map(({ name, count, seconds, flops, bytes }) => [
          name,
          count,
          seconds * 1e3,
          (seconds * 1e3) / count,
          flops ? flops / seconds / 1e9 : Number.NaN,
          bytes / seconds / 2 ** 30,
        ]),
    );
}

/** The same as the tables, for programs; without the kinds of operation. */
export function printJson(value: object): void {
  console.log(JSON.stringify(value, (key, each) => (key === 'byOperation' ? undefined : each)));
}
