import { once } from 'node:events';
import { createServer } from 'node:net';

import { Fault } from '../src/core/model/fault.ts';

/** Below Linux's ephemeral range, so that no outgoing connection takes the port while its listener is away. */
const range = { from: 20_000, to: 32_000 };

/** Finds loopback ports that are free now, each one only once in this process. */
export class Ports {
  #next = range.from + Math.floor(Math.random() * (range.to - range.from));

  async free(): Promise<number> {
    for (let tries = 0; tries < 1_000; tries += 1) {
      this.#next = this.#next >= range.to ? range.from : this.#next + 1;
      if (await bindable(this.#next)) return this.#next;
    }
    throw new Fault('LISTEN_UNAVAILABLE', `no free port between ${range.from} and ${range.to}; stop some listeners`);
  }
}

async function bindable(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    // Taken by another program: the caller tries the next one.
    return false;
  }
}
