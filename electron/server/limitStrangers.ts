import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Closes the oldest of a server's connections that have not shown the token once there are more than `most` of them: who
 * opens any number of connections and says nothing keeps nobody else out.
 */
export function limitStrangers(server: Server, most: number): { admit(connection: Socket): void } {
  const strangers = new Set<Socket>(); // in the order in which they came
  server.on('connection', (socket) => {
    strangers.add(socket);
    socket.once('close', () => strangers.delete(socket));
    const [oldest] = strangers;
    if (strangers.size > most) oldest?.destroy();
  });
  return { admit: (connection) => strangers.delete(connection) };
}
