import { UserError } from '../../nodes/errors.ts';
import type { RunEvent } from '../run/events.ts';
import { catchOutcome, type Outcome, unwrapOutcome } from './outcome.ts';
import type { Port } from './port.ts';
import type { QueuedEngine } from './queue.ts';

/** The calls of an engine, and whether the last argument is an emit of run events. */
const calls = {
  describeNodes: false,
  openGraph: false,
  run: true,
  clearCache: false,
  listRuns: false,
  followRun: true,
  cancelRun: false,
  pauseRun: false,
  resumeRun: false,
  moveRun: false,
} as const satisfies Readonly<Record<keyof QueuedEngine, boolean>>;

type CallName = keyof typeof calls;

/** From the client. `id` counts the calls of one port; `abort` is the signal of a run. */
type Request =
  | { readonly id: number; readonly call: CallName; readonly args: readonly unknown[] }
  | { readonly id: number; readonly abort: true };
/** To the client: events of a call while it goes on, then its outcome. */
type Reply = { readonly id: number; readonly event: RunEvent } | { readonly id: number; readonly outcome: Outcome };

/**
 * Lets the other end of a port use an engine. Runs go on when the port closes: they are somebody's work, and can be
 * followed and cancelled by their name through another port.
 */
export function serveEngine(engine: QueuedEngine, port: Port): void {
  const running = new Map<number, AbortController>();
  let open = true;
  const reply = (message: Reply) => {
    if (open) port.post(message);
  };
  const answer = async ({ id, call, args }: Extract<Request, { call: CallName }>) => {
    const controller = new AbortController();
    running.set(id, controller);
    const emit = (event: RunEvent) => reply({ id, event: withOwnBytes(event) });
    const [first, second] = args as [never, never];
    const outcome = await catchOutcome<unknown>(() => {
      if (call === 'run') return engine.run(first, second, emit, controller.signal);
      if (call === 'followRun') return engine.followRun(first, emit);
      return (engine[call] as (...args: unknown[]) => unknown)(...args);
    });
    running.delete(id);
    reply({ id, outcome });
  };
  port.listen(
    (message) => {
      if (!isRequest(message)) return;
      if ('abort' in message) running.get(message.id)?.abort();
      else void answer(message);
    },
    () => {
      open = false;
    },
  );
}

/**
 * The engine at the other end of a port. Calls reject with UserErrors of the same code as there, and with `ENGINE_LOST`
 * when the port closes before they are answered.
 */
export function connectEngine(port: Port): QueuedEngine {
  const pending = new Map<number, { settle(outcome: Outcome): void; emit?: (event: RunEvent) => void }>();
  let calls = 0;
  let open = true;
  const call = async <Value>(
    name: CallName,
    args: readonly unknown[],
    emit?: (event: RunEvent) => void,
    signal?: AbortSignal,
  ): Promise<Value> => {
    if (!open) throw unwrapOutcome(lost);
    const id = ++calls;
    const abort = () => port.post({ id, abort: true } satisfies Request);
    const outcome = new Promise<Outcome>((settle) => pending.set(id, { settle, ...(emit ? { emit } : {}) }));
    port.post({ id, call: name, args } satisfies Request);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return unwrapOutcome((await outcome) as Outcome<Value>);
    } finally {
      pending.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  };
  port.listen(
    (message) => {
      const { id, ...reply } = message as Reply;
      if ('event' in reply) pending.get(id)?.emit?.(reply.event);
      else pending.get(id)?.settle(reply.outcome);
    },
    () => {
      open = false;
      for (const { settle } of pending.values()) settle(lost);
    },
  );
  return {
    describeNodes: () => call('describeNodes', []),
    openGraph: (text) => call('openGraph', [text]),
    run: (document, { whilePaused: _whilePaused, prepared: _prepared, ...options }, emit, signal) =>
      call('run', [document, options], emit, signal),
    clearCache: () => call('clearCache', []),
    listRuns: () => call('listRuns', []),
    followRun: (run, emit) => call('followRun', [run], emit),
    cancelRun: (run) => call('cancelRun', [run]),
    pauseRun: (run) => call('pauseRun', [run]),
    resumeRun: (run) => call('resumeRun', [run]),
    moveRun: (run, before) => call('moveRun', before === undefined ? [run] : [run, before]),
  };
}

const lost: Outcome<never> = {
  ok: false,
  problem: new UserError('ENGINE_LOST', 'The engine stopped before it answered. Start it again.').toJSON(),
};

/** Cloning a view would clone all that lies around it. */
function withOwnBytes(event: RunEvent): RunEvent {
  if (event.type === 'preview') {
    const { preview } = event;
    return isView(preview.rgb) ? { ...event, preview: { ...preview, rgb: preview.rgb.slice() } } : event;
  }
  return 'bytes' in event && isView(event.bytes) ? { ...event, bytes: event.bytes.slice() } : event;
}

function isView(bytes: Uint8Array): boolean {
  return bytes.length < bytes.buffer.byteLength;
}

function isRequest(message: unknown): message is Request {
  if (typeof message !== 'object' || message === null || !('id' in message) || !Number.isInteger(message.id))
    return false;
  if ('abort' in message) return message.abort === true;
  return (
    'call' in message &&
    'args' in message &&
    Object.hasOwn(calls, message.call as string) &&
    Array.isArray(message.args)
  );
}
