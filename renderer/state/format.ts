/*
 * Times, sizes and names as people read them.
 */

/** A time in milliseconds: `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
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
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** A name of a port or param in words: `guidanceScale` is `guidance scale`. */
export function spellName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A model as a field shows it: without what all of its kind have in common, and of a path the last part. */
export function nameModel(model: string): string {
  if (model.startsWith('builtin:')) return model.slice('builtin:'.length);
  return /^([\\/~.]|\w:)/.test(model) ? (model.split(/[\\/]/).filter(Boolean).at(-1) ?? model) : model;
}
