import { join } from 'node:path';
import { openClient } from '../../src/control/client.ts';
import type { Event } from '../../src/core/model/event.ts';
import type { Word } from '../../src/core/model/state.ts';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { homeOf, type CliOptions, startTowline } from '../fixtures/cli.ts';
import { descendants } from '../fixtures/process-tree.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { writeConfig } from '../e2e/daemon.ts';

/** A daemon as a user starts it, in a process of its own: it can be stopped, sent to sleep, or put into another network. */
export interface Relays {
  readonly pid: number;
  readonly events: readonly Event[];
  status(relay: string): Promise<RelayStatus>;
  reach(relay: string, word: Word, timeout?: number): Promise<RelayStatus>;
  /** Waits for an event that came after the first `after` ones. */
  next(what: string, matches: (event: Event) => boolean, after?: number, timeout?: number): Promise<Event>;
  /** Daemon and workers: all that sleeps when a machine sleeps. */
  pids(): number[];
}

/** Starts relays as a config file would declare them, and hears of them by the control socket. */
export async function startRelays(
  t: Owner,
  host: { readonly sshConfigFile: string },
  relays: object,
  options: Pick<CliOptions, 'under' | 'env'> = {},
): Promise<Relays> {
  const cli = startTowline(t, ['up', '--config', writeConfig(t, host, relays)], options);
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  const up = () =>
    client.status().then(
      () => true,
      () => false,
    );
  await waitUntil('the daemon answers', up);
  const events: Event[] = [];
  const watchers = new Set<() => void>();
  const end = new AbortController();
  t.teardown(() => end.abort());
  const follow = async () => {
    for await (const event of client.events(0, end.signal)) {
      events.push(event);
      for (const watcher of watchers) watcher();
    }
  };
  follow().catch(() => undefined); // it ends with the daemon; who waits is told by the time
  // Right after the start it may not have declared its relays.
  const find = async (relay: string) => (await client.status()).relays.find((one) => one.name === relay);
  const status = async (relay: string): Promise<RelayStatus> => {
    const found = await find(relay);
    if (found === undefined) throw new Error(`no relay ${relay}`);
    return found;
  };
  const heard = (what: string, look: () => boolean | Promise<boolean>, timeout: number): Promise<void> => {
    let watcher: () => void = () => undefined;
    const found = new Promise<void>((resolve, reject) => {
      watcher = () => {
        Promise.resolve(look()).then((yes) => yes && resolve(), reject);
      };
      watchers.add(watcher);
      watcher();
    });
    return within(what, found, timeout).finally(() => watchers.delete(watcher));
  };
  return {
    pid: cli.pid,
    events,
    status,
    async reach(relay, word, timeout = 60_000) {
      const there = async () => (await find(relay))?.standing.word === word;
      await heard(`${relay} becomes ${word}`, there, timeout).catch(async (error: unknown) => {
        throw new Error(`${String(error)}; it is ${JSON.stringify((await find(relay))?.standing)}\n${cli.stdout()}`);
      });
      return status(relay);
    },
    async next(what, matches, after = 0, timeout = 60_000) {
      const find = () => events.slice(after).find(matches);
      await heard(what, () => find() !== undefined, timeout);
      const event = find();
      if (event === undefined) throw new Error(`${what} came and went`);
      return event;
    },
    // What runs it (nsenter, faketime) becomes the daemon itself.
    pids: () => [cli.pid, ...descendants(cli.pid).map((one) => one.pid)],
  };
}
