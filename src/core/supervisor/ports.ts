import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { bindAll, closeAll } from './bind.ts';

/** Below Linux's ephemeral range: no outgoing connection takes such a port by chance. */
const range = { from: 20_000, to: 32_767 };

/** Remembers the port that was chosen for each `:0` listener, so that it is the same after every restart. */
export class Ports {
  readonly #file: string;
  readonly #config: string;
  readonly #trouble: (relay: string, text: string) => void;
  #known: Record<string, number> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** `config`: the file whose relays these are; another one's may have the same names. `trouble` is told when a port cannot be remembered: it serves until the daemon ends all the same. */
  constructor(stateDir: string, config: string, trouble: (relay: string, text: string) => void) {
    this.#config = config;
    this.#file = join(stateDir, 'ports.json');
    this.#trouble = trouble;
  }

  /** Gives a `:0` listener its port: the remembered one, else a free one that is remembered from now on. */
  settle(relay: string, forward: number, listen: Endpoint): Promise<Endpoint> {
    if (listen.kind === 'unix' || listen.port !== 0) return Promise.resolve(listen);
    // One at a time: two that choose at once would take the same port, and write the same file.
    const settled = this.#last.then(() => this.#settle(relay, forward, listen));
    this.#last = settled.catch(() => undefined);
    return settled;
  }

  async #settle(relay: string, forward: number, listen: Endpoint & { readonly kind: 'tcp' }): Promise<Endpoint> {
    this.#known ??= await read(this.#file);
    const key = `${this.#config}#${relay}#${forward}`;
    const port = this.#known[key] ?? (await this.#choose(listen.host));
    if (this.#known[key] === undefined) {
      this.#known[key] = port;
      await this.#write(this.#known).catch((error: unknown) => {
        const why = error instanceof Error ? printable(error.message) : String(error);
        this.#trouble(relay, `port ${port} cannot be remembered (${why}); make room there, or name a port in listen`);
      });
    }
    return { ...listen, port };
  }

  async #choose(host: string): Promise<number> {
    const taken = Object.values(this.#known ?? {});
    for (let tries = 0; tries < 100; tries += 1) {
      const port = range.from + Math.floor(Math.random() * (range.to - range.from + 1));
      if (taken.includes(port)) continue;
      const servers = await bindAll({ kind: 'tcp', host, port }).catch(() => null);
      if (servers === null) continue;
      closeAll(servers);
      return port;
    }
    throw new Fault(
      'LISTEN_UNAVAILABLE',
      `no free port was found on ${host} between ${range.from} and ${range.to}; name one in listen`,
    );
  }

  /** Written beside and renamed, so that a full disk leaves the old file whole; a link that lies in the way is not followed. */
  async #write(known: Record<string, number>): Promise<void> {
    const beside = `${this.#file}.${randomBytes(6).toString('hex')}`;
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(known, null, 2)}\n`);
      await file.sync();
      await rename(beside, this.#file);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }
}

async function read(file: string): Promise<Record<string, number>> {
  // Absent, or damaged: ports are chosen anew.
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    const value: unknown = JSON.parse(text);
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(
      entries.filter(([, port]) => Number.isInteger(port) && port >= range.from && port <= range.to),
    );
  } catch {
    return {};
  }
}
