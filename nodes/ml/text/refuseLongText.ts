import { GraphError } from '../../errors.ts';

/** Letters of a text that is read as tokens: byte pairs of one word take more than linear time. */
const longest = 100_000;

/** Refuses a text that would hold the process. Throws GraphError `TOO_LARGE`. */
export function refuseLongText(text: string): void {
  if (text.length <= longest) return;
  throw new GraphError('TOO_LARGE', `A prompt has ${text.length} letters; at most ${longest} are read.`);
}
