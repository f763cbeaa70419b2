import {
  connectRelay,
  type RelayClient,
  type RelayFaultCode,
  type RelayOptions,
  type Status,
} from '../../src/client/node.ts';
import type { Owner } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';

/** A client under test, with all that it said. */
export interface Watched {
  readonly relay: RelayClient;
  readonly statuses: readonly Status[];
  readonly messages: readonly unknown[];
  /** The words in the order of the dot, none twice in a row. */
  words(): string[];
  /** Waits for a status from now on, the present one included. */
  until(what: string, matches: (status: Status) => boolean): Promise<Status>;
  reach(word: Status['word']): Promise<Status>;
  /** Waits until it waits, or gave up, because of this. */
  fail(code: RelayFaultCode): Promise<Status>;
}

/** Connects a client that lives as long as its owner. */
export function watch(t: Owner, options: RelayOptions): Watched {
  const statuses: Status[] = [];
  const messages: unknown[] = [];
  const relay = connectRelay({
    ...options,
    onMessage(message) {
      messages.push(message);
      options.onMessage?.(message);
    },
    onStatus(status) {
      statuses.push(status);
      options.onStatus?.(status);
    },
  });
  t.teardown(() => relay.close());
  const until = (what: string, matches: (status: Status) => boolean): Promise<Status> => {
    if (matches(relay.status)) return Promise.resolve(relay.status);
    let stop = (): void => undefined;
    const found = new Promise<Status>((resolve) => {
      stop = relay.subscribe((status) => {
        if (matches(status)) resolve(status);
      });
    });
    return within(`${what}; it is ${JSON.stringify(relay.status)}`, found).finally(() => stop());
  };
  return {
    relay,
    statuses,
    messages,
    words: () => statuses.map(({ word }) => word).filter((word, at, all) => word !== all[at - 1]),
    until,
    reach: (word) => until(`the client becomes ${word}`, (status) => status.word === word),
    fail: (code) => {
      const waits = (status: Status): boolean =>
        status.word === 'offline' || (status.word !== 'connected' && status.retryAt !== null);
      return until(`the client fails with ${code}`, (status) => status.fault?.code === code && waits(status));
    },
  };
}
