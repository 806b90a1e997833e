import { UserError, type UserErrorJson } from '../../nodes/errors.ts';

/** A mistake in how the command was called: told like any problem, with the exit code for bad usage. */
export class UsageError extends UserError {
  constructor(message: string, code = 'USAGE') {
    super(code, message);
  }
}

/** A problem as a line for people, and what to do about it below. */
export function problemInWords({ message, remedy }: UserErrorJson & { readonly remedy?: string }): string {
  return remedy ? `${message}\n    ${remedy}` : message;
}
