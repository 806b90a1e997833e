/** Where in a graph something is wrong. */
export interface ErrorPlace {
  readonly node?: string;
  readonly port?: string;
  readonly param?: string;
}

export interface UserErrorJson {
  readonly code: string;
  readonly message: string;
  readonly at: ErrorPlace;
}

/** Letters of a message; a longer one, which quotes a stranger's file, loses its middle. */
const LONGEST = 1500;

/**
 * The one error that users see. The message is a whole sentence: what was wrong, the value got, what is allowed or
 * what to do. `code` is stable (UPPER_SNAKE) and is how other processes recognise the error. Code below the engine
 * throws it without `at`; the engine adds the node. Programming errors are not UserErrors: they crash loudly.
 */
export class UserError extends Error {
  readonly code: string;
  readonly at: ErrorPlace;

  constructor(code: string, message: string, options: { at?: ErrorPlace; cause?: unknown } = {}) {
    super(abridged(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.code = code;
    this.at = options.at ?? {};
  }

  toJSON(): UserErrorJson {
    return { code: this.code, message: this.message, at: this.at };
  }
}

/** A text without its middle where it is long. */
export function abridged(message: string): string {
  if (message.length <= LONGEST) return message;
  return `${message.slice(0, LONGEST - 500)} [...] ${message.slice(-490)}`;
}
