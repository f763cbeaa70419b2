import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { listenOwner } from './listen-owner.ts';
import { errorCode } from '../../model/error-code.ts';
import { readTcpTable, tcpState } from '../../socket/tcp-table.ts';

/** Says in words why an address cannot be bound, and what to do. */
export async function listenFault(error: unknown, listen: Endpoint): Promise<Fault> {
  if (error instanceof Fault) return error;
  const name = formatEndpoint(listen);
  const options = { cause: error, detail: { listen: name } };
  // libuv says EACCES for a folder that does not exist.
  if (listen.kind === 'unix' && !existsSync(dirname(listen.path))) {
    const text = `cannot listen on ${name}: there is no folder ${dirname(listen.path)}; make it, or correct listen`;
    return new Fault('LISTEN_UNAVAILABLE', text, options);
  }
  switch (errorCode(error)) {
    case 'EADDRINUSE': {
      const why = listen.kind === 'tcp' ? await takenBy(listen.port) : 'in use; stop the program that listens there';
      return new Fault('LISTEN_TAKEN', `${name} is ${why}; towline takes the address when it is free`, options);
    }
    case 'EACCES':
    case 'EPERM': {
      const text = `you may not listen on ${name}; choose a port above 1023, or a folder that you own`;
      return new Fault('LISTEN_DENIED', text, options);
    }
    case 'EADDRNOTAVAIL':
      return new Fault('LISTEN_UNAVAILABLE', `${name} is no address of this machine; correct listen`, options);
    default:
      return new Fault('LISTEN_UNAVAILABLE', `cannot listen on ${name} (${errorCode(error)}); correct listen`, options);
  }
}

/** By whom a port is taken, as far as this user may see, and what to do about that: there need not be a program to stop. */
async function takenBy(port: number): Promise<string> {
  const owner = await listenOwner(port);
  if (owner !== null) return `in use by pid ${owner.pid} (${owner.name}); stop that program`;
  const rows = (await readTcpTable())?.filter((row) => row.port === port) ?? null;
  if (rows === null) return 'in use by another program; stop that, or choose another port';
  const listener = rows.find(({ state }) => state === tcpState.listen);
  if (listener !== undefined)
    return `in use by a program of another user (uid ${listener.uid}); have that stopped, or choose another port`;
  // Such a port is a connection's own end: the system gives them out from net.ipv4.ip_local_port_range.
  const living = rows.find(({ inode }) => inode !== 0);
  if (living !== undefined)
    return `the near end of a connection of a program of uid ${living.uid}, and nobody listens there; choose a port below 32768, or wait for its end`;
  return rows.length > 0
    ? 'held by a connection that has ended (TIME-WAIT), and no program has it; wait a minute'
    : 'in use by what does not show here: bound and not listening, or in a container; choose another port';
}
