import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chosenPorts as range } from '../../model/chosen-ports.ts';
import type { RelayConfig } from '../../model/config.ts';
import { type Endpoint, formatEnds } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { bindAll, closeAll } from './bind.ts';

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

  /** Names the address of a forward; a `:0` listener is given its port: the remembered one, else a free one that is remembered from now on. */
  settle(relay: RelayConfig, forward: number): Promise<Endpoint> {
    const listen = listenOf(relay, forward);
    if (listen.kind === 'unix' || listen.port !== 0) return Promise.resolve(listen);
    return this.#next(async () => {
      this.#known ??= await read(this.#file);
      const { keys, prefix } = this.#keysOf(relay);
      const key = keys[forward] ?? prefix;
      const known = this.#known[key];
      if (known !== undefined) return { ...listen, port: known };
      const before = formerKey(this.#known, keys, prefix, forward);
      const port = before === null ? null : (this.#known[before] ?? null);
      if (before !== null) delete this.#known[before];
      this.#known[key] = port ?? (await this.#choose(listen.host));
      await this.#save(relay.name, this.#known[key]);
      return { ...listen, port: this.#known[key] };
    });
  }

  /** A `:0` listener of this relay has this port and goes on with it, whatever was remembered: it is this forward's. */
  keep(relay: RelayConfig, forward: number, port: number): void {
    const listen = listenOf(relay, forward);
    if (listen.kind === 'unix' || listen.port !== 0) return;
    void this.#next(async () => {
      this.#known ??= await read(this.#file);
      const { keys, prefix } = this.#keysOf(relay);
      const key = keys[forward] ?? prefix;
      if (this.#known[key] === port) return;
      for (const [other, its] of Object.entries(this.#known)) {
        if (its === port && other.startsWith(prefix)) delete this.#known[other];
      }
      this.#known[key] = port;
      await this.#save(relay.name, port);
    });
  }

  /** One at a time: two that choose at once would take the same port, and write the same file. */
  #next<Value>(deed: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(deed);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Under which name the port of each forward is remembered: by its ends, and of equal ones by their order. */
  #keysOf({ name, forwards }: RelayConfig): { readonly keys: readonly string[]; readonly prefix: string } {
    const prefix = `${this.#config}#${name}#`;
    const seen = new Map<string, number>();
    const keys = forwards.map((forward) => {
      const ends = formatEnds(forward);
      const count = seen.get(ends) ?? 0;
      seen.set(ends, count + 1);
      return `${prefix}${ends}${count === 0 ? '' : ` (${count + 1})`}`;
    });
    return { keys, prefix };
  }

  async #save(relay: string, port: number): Promise<void> {
    try {
      await this.#write(this.#known ?? {});
    } catch (error) {
      const why = error instanceof Error ? printable(error.message) : String(error);
      this.#trouble(relay, `port ${port} cannot be remembered (${why}); make room there, or name a port in listen`);
    }
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

function listenOf({ name, forwards }: RelayConfig, forward: number): Endpoint {
  const found = forwards[forward];
  if (found === undefined) throw new Fault('INTERNAL', `a bug in towline: ${name} has no forward ${forward + 1}`);
  return found.listen;
}

/**
 * Under which name the port of a forward was remembered before: by its number, as towline did once, or with another target, where no
 * forward has that one now.
 */
function formerKey(
  known: Readonly<Record<string, number>>,
  keys: readonly string[],
  prefix: string,
  forward: number,
): string | null {
  const byNumber = `${prefix}${forward}`;
  if (byNumber in known) return byNumber;
  const listen = `${prefix}${(keys[forward] ?? '').slice(prefix.length).split(' ')[0] ?? ''} `;
  return Object.keys(known).find((key) => key.startsWith(listen) && !keys.includes(key)) ?? null;
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
