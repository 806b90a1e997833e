import { UserError } from '../../nodes/errors.ts';
import { isUserError, type Problem, toProblem } from '../document/problems.ts';

/** The result of a call in another process, as plain data: errors keep their code, place and message. */
export type Outcome<Value = unknown> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

/** Waits for a call's result. An unexpected error becomes a problem `INTERNAL` with its stack trace. */
export async function catchOutcome<Value>(call: () => Value | Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ok: false, problem: isUserError(error) ? toProblem(error) : unforeseen(error) };
  }
}

/** Returns the value, or throws the problem as a UserError again. */
export function unwrapOutcome<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  const { code, message, at } = outcome.problem;
  throw new UserError(code, message, { at, cause: outcome.problem });
}

function unforeseen(error: unknown): Problem {
  const [message, trace] = error instanceof Error ? [error.message, error.stack] : [String(error), undefined];
  return {
    code: 'INTERNAL',
    message: `Noiseloom failed unexpectedly: ${message}.`,
    at: {},
    remedy: 'Please report it, with the steps that led to it.',
    ...(trace === undefined ? {} : { trace }),
  };
}
