import { UserError } from '../../errors.ts';

/** The one error of every tokenizer: code `BAD_TOKENIZER`; `source` is where it came from. */
export function badTokenizer(source: string, reason: string): UserError {
  return new UserError('BAD_TOKENIZER', `"${source}" holds no usable tokenizer: ${reason}.`);
}
