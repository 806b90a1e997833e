import { UserError } from '../../nodes/errors.ts';

/** A mistake in how the command was called: shown like any problem, with the exit code for bad usage. */
export class UsageError extends UserError {
  constructor(message: string, code = 'USAGE') {
    super(code, message);
  }
}
