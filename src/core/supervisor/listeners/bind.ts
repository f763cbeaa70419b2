import { createServer, type Server } from 'node:net';
import type { Endpoint } from '../../model/endpoint.ts';
import { errorCode } from '../../model/error-code.ts';

/** Node's default of 511 loses some of 3,000 clients that connect at once. */
const backlog = 4_096;

/** Binds an address. `localhost` is both of its addresses: else another user could take the other one, and its clients. */
export async function bindAll(listen: Endpoint): Promise<readonly Server[]> {
  if (listen.kind === 'unix' || listen.host !== 'localhost') return [await bind(listen)];
  const first = await bind({ ...listen, host: '127.0.0.1' });
  try {
    return [first, await bind({ ...listen, host: '::1' })];
  } catch (error) {
    // A machine without IPv6 has one address only.
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errorCode(error))) return [first];
    first.close();
    throw error;
  }
}

/** Stops accepting; accepted connections live on. */
export function closeAll(servers: readonly Server[]): void {
  for (const server of servers) server.close();
}

/** Binds an address; rejects with the system's error. */
export function bind(listen: Endpoint): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve(server);
    });
    if (listen.kind === 'tcp') {
      server.listen({ host: listen.host, port: listen.port, backlog, exclusive: true });
      return;
    }
    // The socket is born 0600: bind(2) happens within listen().
    const before = process.umask(0o177);
    try {
      server.listen({ path: listen.path, backlog });
    } finally {
      process.umask(before);
    }
  });
}
