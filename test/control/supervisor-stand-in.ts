import type { Event, Fact } from '../../src/core/model/event.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { emptySnapshot, fold } from '../../src/core/model/snapshot.ts';
import { standing } from '../../src/core/model/standing.ts';
import type { Supervisor } from '../../src/core/supervisor/supervisor.ts';

/** A supervisor without relays of its own: the tests of the control API say what happens, and read what it was told. */
export interface StandIn extends Supervisor {
  readonly told: string[];
  /** How many read the events. */
  readers(): number;
  say(fact: Fact): void;
}

const nothing = { applied: true, added: [], removed: [], changed: [], ended: [], unchanged: ['dev-box'], cuts: [] };

/** A stand-in that has declared and started one relay, `dev-box`. */
export function standIn(): StandIn {
  const events: Event[] = [];
  const readers = new Set<(event: Event) => void>();
  const told: string[] = [];
  let snapshot = emptySnapshot;
  const tell = (verb: string) => async (name: string) => {
    if (snapshot.relays[name] === undefined)
      throw new Fault('RELAY_UNKNOWN', `no relay is called "${name}"; there is dev-box`);
    told.push(`${verb} ${name}`);
  };
  const self: StandIn = {
    told,
    readers: () => readers.size,
    say: (fact) => {
      const event: Event = { ...fact, id: snapshot.id + 1, at: Date.now() };
      snapshot = fold(snapshot, event);
      events.push(event);
      for (const reader of readers) reader(event);
    },
    start: async () => undefined,
    config: { file: '/etc/towline.json', sshConfig: null, relays: [] },
    reload: async () => nothing,
    answering: () => true,
    status: () => ({
      ...snapshot,
      relays: Object.values(snapshot.relays).map((relay) => ({
        ...relay,
        standing: standing(relay),
        counters: { open: 0, held: 0, accepted: 0, refused: 0, refusedBy: {}, sent: 0, received: 0, rtt: [] },
      })),
    }),
    subscribe: (after, reader) => {
      for (const event of events) if (event.id > after) reader(event);
      readers.add(reader);
      return () => readers.delete(reader);
    },
    warn: (text) => {
      told.push(`warned ${text}`);
    },
    token: () => ({ token: null, backend: null }),
    retoken: async () => undefined,
    startRelay: tell('start'),
    stopRelay: tell('stop'),
    restartRelay: tell('restart'),
    questions: {
      attend: (relay) => {
        told.push(`attend ${relay}`);
        return () => told.push(`leave ${relay}`);
      },
      answer: (id, answers, lifetime) => told.push(`answer ${id} ${answers.join()} ${lifetime}`),
      decline: (id) => told.push(`decline ${id}`),
    },
    close: async () => undefined,
    now: () => undefined,
  };
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 8787 } as const;
  self.say({ type: 'daemon.started', pid: process.pid, version: '1.2.3', config: '/etc/towline.json' });
  self.say({
    type: 'relay.declared',
    relay: 'dev-box',
    host: 'devbox',
    lanes: 1,
    forwards: [{ kind: 'local', listen, target: listen, probed: false }],
  });
  self.say({ type: 'relay.started', relay: 'dev-box' });
  return self;
}
