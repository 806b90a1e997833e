import { UserError } from '../../errors.ts';

/** Letters of a text that is read as tokens: byte pairs of one word take more than linear time. */
const LONGEST = 100_000;

/** Refuses a text that would hold the process. Throws UserError `TOO_LARGE`. */
export function refuseLongText(text: string): void {
  if (text.length <= LONGEST) return;
  throw new UserError('TOO_LARGE', `A prompt has ${text.length} letters; at most ${LONGEST} are read.`);
}
