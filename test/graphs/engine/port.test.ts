import { describe, expect, it } from 'vitest';
import { RelayedPorts } from '../../../graphs/engine/port.ts';

/** Two processes that relay ports to each other. */
function relays() {
  const left: RelayedPorts = new RelayedPorts(
    (connection, message) => right.receive(connection, message),
    (connection) => right.closed(connection),
  );
  const right: RelayedPorts = new RelayedPorts((connection, message) => left.receive(connection, message));
  return { left, right };
}

/** Listens at the end of a connection. */
function listen(side: RelayedPorts, connection: number) {
  const port = side.port(connection);
  const heard: unknown[] = [];
  port.listen(
    (message) => heard.push(message),
    () => heard.push('closed'),
  );
  return { port, heard };
}

describe('ports that share a channel', () => {
  it('hear what is meant for them', () => {
    const { left, right } = relays();
    const [a, b] = [listen(left, 1), listen(left, 2)];
    const [c, d] = [listen(right, 1), listen(right, 2)];
    a.port.post('to c');
    d.port.post('to b');
    expect([a, b, c, d].map(({ heard }) => heard)).toEqual([[], ['to b'], ['to c'], []]);
  });

  it('hear once that the other end is closed, and post no more', () => {
    const { left, right } = relays();
    const [a, b, c] = [listen(left, 1), listen(right, 1), listen(right, 2)];
    a.port.close();
    a.port.close();
    a.port.post('late');
    b.port.post('late');
    expect([a.heard, b.heard, c.heard]).toEqual([[], ['closed'], []]);
    right.closeAll();
    right.closeAll();
    expect(c.heard).toEqual(['closed']);
  });
});
