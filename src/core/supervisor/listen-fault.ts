import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { listenOwner } from './listen-owner.ts';
import { errorCode } from '../model/error-code.ts';

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
      const owner = listen.kind === 'tcp' ? await listenOwner(listen.port) : null;
      const by = owner === null ? '' : ` by pid ${owner.pid} (${owner.name})`;
      const text = `${name} is in use${by}; stop that program, towline takes the address when it is free`;
      return new Fault('LISTEN_TAKEN', text, options);
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
