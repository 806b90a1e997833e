import { UserError } from '../../nodes/errors.ts';
import type { Files } from '../../nodes/files.ts';
import { catchOutcome, type Outcome, unwrapOutcome } from './outcome.ts';
import type { Port } from './port.ts';

const names = ['locate', 'read', 'size', 'list', 'fingerprint', 'decodeImage'] as const satisfies readonly Exclude<
  keyof Files,
  'open'
>[];
type Name = (typeof names)[number];

/** The disk as a graph sees it that lies at a place, or at none. */
export type FilesOf = (location: string | undefined) => Files;

interface Request {
  readonly id: number;
  /** Where the graph lies whose paths these are, see `RunOptions.location`. */
  readonly location: string | undefined;
  readonly name: Name;
  readonly args: readonly unknown[];
}
interface Reply {
  readonly id: number;
  readonly outcome: Outcome;
}

/** Lets the other end of a port read files: an engine in a page has no disk of its own. */
export function serveFiles(filesOf: FilesOf, port: Port): void {
  port.listen(
    async (message) => {
      const { id, location, name, args } = message as Request;
      if (!names.includes(name)) return;
      const files = filesOf(location);
      const call = files[name] as (...args: readonly unknown[]) => Promise<unknown>;
      port.post({ id, outcome: await catchOutcome(() => call(...args)) } satisfies Reply);
    },
    () => {},
  );
}

/** The files at the other end of a port, for graphs wherever they lie. Calls reject with `ENGINE_LOST` when it closes. */
export function connectFiles(port: Port): FilesOf {
  const pending = new Map<number, (outcome: Outcome) => void>();
  const lost = new UserError('ENGINE_LOST', 'The process that reads files ended.').toJSON();
  let calls = 0;
  port.listen(
    (message) => {
      const { id, outcome } = message as Reply;
      pending.get(id)?.(outcome);
      pending.delete(id);
    },
    () => {
      for (const settle of pending.values()) settle({ ok: false, problem: lost });
    },
  );
  return (location) => {
    const call = async <Value>(name: Name, ...args: readonly unknown[]): Promise<Value> => {
      const id = ++calls;
      const outcome = new Promise<Outcome>((settle) => pending.set(id, settle));
      port.post({ id, location, name, args } satisfies Request);
      return unwrapOutcome((await outcome) as Outcome<Value>);
    };
    return {
      locate: (named) => call('locate', named),
      read: (path, start, end) => call('read', path, start, end),
      open: async (path) => ({ read: (start, end) => call('read', path, start, end), close: async () => {} }),
      size: (path) => call('size', path),
      list: (path) => call('list', path),
      fingerprint: (path) => call('fingerprint', path),
      decodeImage: (bytes) => call('decodeImage', bytes),
    };
  };
}
