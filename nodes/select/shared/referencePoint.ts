import { UserError } from '../../errors.ts';

/** Reads the reference point of a hypervolume, a number for each score. Throws UserError `BAD_PARAM`. */
export function referencePoint(text: string, names: readonly string[]): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const point = numbers.length === 1 ? names.map(() => numbers[0]!) : numbers;
  if (point.length === names.length && point.every(Number.isFinite)) return point;
  throw new UserError(
    'BAD_PARAM',
    `The reference point is "${text}"; give one number for all scores, or ${names.length} with commas, for ${names.join(', ')}.`,
    { at: { param: 'reference' } },
  );
}
