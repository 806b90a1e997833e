/**
 * Two ends that exchange plain data (what `structuredClone` takes) in order: a message port, a child process, or HTTP
 * with a stream of events.
 */
export interface Port {
  post(message: unknown): void;
  /** Starts reading: `receive` is called with every message, `closed` once, when the other end is gone. */
  listen(receive: (message: unknown) => void, closed: () => void): void;
  close(): void;
}

interface Listen {
  (type: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  (type: 'close', listener: () => void): unknown;
}

/** A MessagePort of a page or of Node, or a MessagePortMain of Electron's main and utility processes. */
export type MessagePortLike = {
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
} & ({ readonly addEventListener: Listen } | { readonly on: Listen });

/** A message port as `Port`. */
export function messagePort(port: MessagePortLike): Port {
  const on: Listen = 'addEventListener' in port ? port.addEventListener.bind(port) : port.on.bind(port);
  return {
    post: (message) => port.postMessage(message),
    listen(receive, closed) {
      on('message', ({ data }) => receive(data));
      on('close', closed);
      port.start();
    },
    close: () => port.close(),
  };
}

/** Many ports over one channel between two processes: each message carries the number of its connection. */
export class RelayedPorts {
  readonly #ends = new Map<number, { receive(message: unknown): void; closed(): void }>();
  readonly #post: (connection: number, message: unknown) => void;
  readonly #disconnect: (connection: number) => void;

  /** `post` and `disconnect` reach the other process; `disconnect` is called when this side closes a port. */
  constructor(
    post: (connection: number, message: unknown) => void,
    disconnect: (connection: number) => void = () => {},
  ) {
    this.#post = post;
    this.#disconnect = disconnect;
  }

  /** This side's end of a connection. What is posted before it listens, or after it is closed, is dropped. */
  port(connection: number): Port {
    return {
      post: (message) => {
        if (this.#ends.has(connection)) this.#post(connection, message);
      },
      listen: (receive, closed) => this.#ends.set(connection, { receive, closed }),
      close: () => {
        if (this.#ends.delete(connection)) this.#disconnect(connection);
      },
    };
  }

  /** Hands a message from the other process to the end that it is for. */
  receive(connection: number, message: unknown): void {
    this.#ends.get(connection)?.receive(message);
  }

  /** The other process has closed a connection. */
  closed(connection: number): void {
    const end = this.#ends.get(connection);
    this.#ends.delete(connection);
    end?.closed();
  }

  /** The other process is gone. */
  closeAll(): void {
    for (const connection of [...this.#ends.keys()]) this.closed(connection);
  }
}
