import type { Problem } from '../../graphs/document/problems.ts';
import { type Port, RelayedPorts } from '../../graphs/engine/port.ts';
import { UserError } from '../../nodes/errors.ts';
import type { EngineStart, FromEngine, ToEngine } from '../engine/engineMessages.ts';
import type { DeviceRow, EngineState } from './ipc.ts';

/** A started process, however it was started. `Handed` is what can be handed over with a message, if anything. */
export interface EngineChild<Handed = never> {
  readonly pid: number | undefined;
  post(message: ToEngine, ports?: readonly Handed[]): void;
  onMessage(receive: (message: FromEngine) => void): void;
  /** `how`: the exit code or signal, in words. */
  onExit(exited: (how: string) => void): void;
  kill(): void;
}

/** Times in milliseconds. */
interface HostTimes {
  /** Between two pings. */
  readonly ping: number;
  /** Without an answer for this long, its state becomes `silent`. */
  readonly silence: number;
  /** From when an answer is required until the process is ended for want of one. */
  readonly answer: number;
  /** Before the first restart; each further one within a minute waits twice as long. */
  readonly restart: number;
}
const usualTimes: HostTimes = { ping: 2_000, silence: 10_000, answer: 8_000, restart: 200 };
/** Crashes within a minute after which only the user restarts it. */
const MAX_DEATHS = 5;

/**
 * Owns the engine's process: starts it, pings it, and restarts it when it dies. Nobody else starts or ends it.
 */
export class EngineHost<Handed = never> {
  readonly #spawn: () => EngineChild<Handed>;
  readonly #times: HostTimes;
  readonly #listeners = new Set<(state: EngineState) => void>();
  #start: EngineStart;
  #child: EngineChild<Handed> | undefined;
  #state: EngineState = { state: 'starting' };
  #device: Extract<EngineState, { state: 'ready' }>['device'] | undefined;
  #heard = 0;
  /** Why the process said it would end. */
  #reason: string | undefined;
  #deaths: number[] = [];
  #pinging: NodeJS.Timeout | undefined;
  #requiring: NodeJS.Timeout | undefined;
  #starting: NodeJS.Timeout | undefined;
  #connections = 0;
  readonly #relayed = new RelayedPorts(
    (connection, message) => this.#child?.post({ type: 'message', connection, message }),
    (connection) => this.#child?.post({ type: 'disconnect', connection }),
  );

  constructor(spawn: () => EngineChild<Handed>, start: EngineStart, times = usualTimes) {
    this.#spawn = spawn;
    this.#start = start;
    this.#times = times;
  }

  get state(): EngineState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Calls `listener` at every change of state from now on, until what it returns is called. */
  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts the process, in place of the one there is; hung or not, that one ends. */
  start(changes: Partial<EngineStart> = {}): void {
    this.#start = { ...this.#start, ...changes };
    this.stop();
    this.#setState({ state: 'starting' });
    this.#reason = undefined;
    const child = this.#spawn();
    this.#child = child;
    this.#heard = performance.now();
    child.onMessage((message) => {
      if (child === this.#child) this.#hear(message);
    });
    child.onExit((how) => {
      if (child === this.#child) this.#died(how);
    });
    child.post({ type: 'start', start: this.#start });
    this.#pinging = setInterval(() => this.#ping(child), this.#times.ping);
  }

  /** Ends the process. Connections close. */
  stop(): void {
    clearTimeout(this.#starting);
    this.#letGo()?.kill();
  }

  /**
   * Ends the process by force and starts another where it does not answer within `times.answer` from now: a cancel that it
   * does not hear would wait for ever. Connections close then, and all their calls fail.
   */
  requireAnswer(): void {
    const child = this.#child;
    if (!child || !this.#device || this.#requiring) return;
    const asked = performance.now();
    child.post({ type: 'ping' });
    this.#requiring = setTimeout(() => {
      this.#requiring = undefined;
      if (this.#heard >= asked) return;
      this.#reason = `it did not answer for ${Math.round((performance.now() - this.#heard) / 1000)} s after a cancel, and was stopped`;
      child.kill();
    }, this.#times.answer);
  }

  /** Gives a port of the caller's to the engine, where ports can travel. */
  connectPort(port: Handed): void {
    this.#child?.post({ type: 'connect', connection: ++this.#connections }, [port]);
  }

  /** A connection to the engine through this process; undefined where none is ready. */
  connect(): Port | undefined {
    const child = this.#child;
    if (!child || !this.#device) return undefined;
    const connection = ++this.#connections;
    child.post({ type: 'connect', connection });
    return this.#relayed.port(connection);
  }

  #hear(message: FromEngine): void {
    this.#heard = performance.now();
    if (message.type === 'message') this.#relayed.receive(message.connection, message.message);
    else if (message.type === 'ready') {
      this.#device = message.device;
      this.#setState({ state: 'ready', device: message.device });
    } else if (message.type === 'ending') this.#reason = message.reason;
    else if (message.type === 'failed') {
      this.#letGo()?.kill();
      this.#setState({ state: 'stopped', problem: message.problem, again: false });
    } else if (this.#state.state === 'silent') {
      this.#setState(this.#device ? { state: 'ready', device: this.#device } : { state: 'starting' });
    }
  }

  #ping(child: EngineChild<Handed>): void {
    const silent = performance.now() - this.#heard;
    if (this.#device && silent > this.#times.silence)
      this.#setState({ state: 'silent', seconds: Math.round(silent / 1000) });
    child.post({ type: 'ping' });
  }

  #died(how: string): void {
    this.#letGo();
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((death) => now - death < 60_000), now];
    const again = this.#deaths.length <= MAX_DEATHS;
    this.#setState({ state: 'stopped', problem: ended(this.#reason ?? how, again), again });
    const wait = this.#times.restart * 2 ** (this.#deaths.length - 1);
    if (again) this.#starting = setTimeout(() => this.start(), wait);
  }

  /** Forgets the process and closes what was connected to it. */
  #letGo(): EngineChild<Handed> | undefined {
    const child = this.#child;
    clearInterval(this.#pinging);
    clearTimeout(this.#requiring);
    this.#requiring = undefined;
    this.#child = undefined;
    this.#device = undefined;
    this.#relayed.closeAll();
    return child;
  }

  #setState(state: EngineState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** Asks a process of its own which devices there are, since one that is started stays. */
export function listDevices(spawn: () => EngineChild<never>): Promise<readonly DeviceRow[]> {
  return new Promise((resolve, reject) => {
    const child = spawn();
    child.onMessage((message) => {
      if (message.type !== 'devices') return;
      resolve(message.rows);
      child.kill();
    });
    child.onExit((how) => reject(new UserError('NO_DEVICE', `Looking for devices ended early (${how}).`)));
    child.post({ type: 'list-devices' });
  });
}

function ended(how: string, again: boolean): Problem {
  return {
    code: 'ENGINE_LOST',
    message: `The engine's process ended (${how}).`,
    at: {},
    remedy: again
      ? 'It is restarting; its runs are marked as interrupted.'
      : 'It ended several times within a minute, perhaps for lack of memory. Free memory or choose another device, then restart it.',
  };
}
