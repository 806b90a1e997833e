import type { UserErrorJson } from '../../nodes/errors.ts';
import { escapeControls, printable } from '../../nodes/quote.ts';

/*
 * The one place where text goes out. Results go to stdout; progress and remarks go to stderr, so that a pipe gets results
 * only. Titles, names and messages may be a stranger's: what a terminal would obey in them is shown escaped.
 */

export function print(text: string): void {
  writeOut(`${text}\n`);
}

export function writeOut(text: string): void {
  process.stdout.write(printable(text));
}

export function writeErr(text: string): void {
  process.stderr.write(printable(text));
}

/** A text of one line, however many lines a stranger gave it. */
export function oneLine(text: string): string {
  return escapeControls(text.replaceAll('\n', ' '));
}

/** One line of NDJSON. Bytes are not printed, their number is. */
export function printJson(value: unknown): void {
  print(
    JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? { size: inner.length } : inner)),
  );
}

export function remark(text: string): void {
  writeErr(`${text}\n`);
}

/** Bytes for people: `1.2 GB`. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const size = bytes / 1000 ** power;
  return `${power === 0 ? size : size.toPrecision(3)} ${units[power]}`;
}

/** Milliseconds for people: `0.4 s`, `3 min 20 s`, `2 h 5 min`. */
export function timeInWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 10) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Rows of words in columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  const lines = rows.map((row) => row.map(oneLine));
  for (const row of lines) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return lines
    .map((row) => row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  '))
    .join('\n');
}

/** A problem as a line for people, and what to do about it below. */
export function problemInWords({ message, remedy }: UserErrorJson & { readonly remedy?: string }): string {
  return remedy ? `${message}\n    ${remedy}` : message;
}
