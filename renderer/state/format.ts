import { own } from '../../graphs/document/document.ts';
import { language, nodeTexts } from './messages.ts';

/*
 * Times, sizes, numbers and names as people read them in the language of the window.
 */

/** The language with the customs of the system, where the system speaks it too: `en-GB` for `en`. */
function locale(): string {
  const tags = globalThis.navigator?.languages ?? [];
  return tags.find((tag) => new Intl.Locale(tag).language === new Intl.Locale(language).language) ?? language;
}

const decimalSigns = new Map<string, string>();

/** A number that is written with a point, with the sign of the language in its place. */
function withDecimalSign(text: string): string {
  const tag = locale();
  const known = decimalSigns.get(tag);
  const sign =
    known ?? new Intl.NumberFormat(tag).formatToParts(0.5).find(({ type }) => type === 'decimal')?.value ?? '.';
  decimalSigns.set(tag, sign);
  return text.replace('.', sign);
}

/** A score with four digits; a dash where there is none. */
export function formatScore(value: number): string {
  return Number.isFinite(value) ? withDecimalSign(String(Number(value.toPrecision(4)))) : '–';
}

/** A day and its time, of a date as ISO 8601 writes it. */
export function formatDate(date: string): string {
  return new Date(date).toLocaleString(locale());
}

/** The time of day. */
export function formatTimeOfDay(date: string | number): string {
  return new Date(date).toLocaleTimeString(locale());
}

/** The day alone. */
export function formatDay(date: Date): string {
  return date.toLocaleDateString(locale());
}

/** A time in milliseconds: `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${withDecimalSign((ms / 1000).toFixed(ms < 10_000 ? 1 : 0))} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A size in bytes: `6.1 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${withDecimalSign(size.toFixed(size < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}

/** A name of a port, a param or a type of wire in words: `guidanceScale` is `guidance scale`. */
export function spellName(name: string): string {
  return own(nodeTexts.names, name) ?? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A model as a field shows it: without what all of its kind have in common, and of a path the last part. */
export function nameModel(model: string): string {
  if (model.startsWith('builtin:')) return model.slice('builtin:'.length);
  return /^([\\/~.]|\w:)/.test(model) ? (model.split(/[\\/]/).filter(Boolean).at(-1) ?? model) : model;
}
