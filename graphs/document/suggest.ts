/** More names than this are not searched: nobody can have meant one of them in particular. */
const MAX_NAMES = 1000;
/** Nor are longer ones: nobody typed them. */
const MAX_NAME_LENGTH = 200;

/** ` Did you mean "x"?` for the name nearest to what was written, or '' where none is near. */
export function didYouMean(written: string, names: Iterable<string>): string {
  const nearest = nearestName(written, names);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}

/** The name nearest to what was written, if at most a third of what was written (one letter at least) differs. */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  if (written.length > MAX_NAME_LENGTH) return undefined;
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(written.length / 3)) + 1;
  let searched = 0;
  for (const name of names) {
    if (++searched > MAX_NAMES) return undefined;
    if (Math.abs(name.length - written.length) >= least) continue;
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < least && distance < Math.max(written.length, name.length)) [nearest, least] = [name, distance];
  }
  return nearest;
}

/**
 * Fewest insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
 * Source: Damerau 1964, the restricted distance (optimal string alignment).
 */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
