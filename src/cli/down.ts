import type { Event } from '../core/model/event.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { cutText } from '../control/describe.ts';
import { formatAge } from '../control/quantity.ts';
import { readFlag } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { countOpen, openText } from './open-connections.ts';
import type { Terminal } from './terminal.ts';

/** How long a worker may take to say until when it drains, ms; later it is told without that. */
const slow = 500;

/** `towline down`: returns when the daemon has ended; the end of its event stream says so. */
export async function down({ given, terminal }: Called): Promise<number> {
  const now = readFlag(given, 'now');
  const client = connect();
  const { id, pid, relays } = await client.status();
  const leaving = new AbortController();
  const drains = new Drains(now ? [] : relays, terminal);
  const ended = follow(client.events(id, leaving.signal), drains);
  try {
    await client.down(now);
    drains.begin();
    await ended;
  } finally {
    drains.end();
    leaving.abort();
  }
  const cut = drains.cut === 0 ? '' : `; ${cutText(drains.cut)}`;
  const left = relays.some(launches) ? '; the backends that it launched go on: `towline backend ps`' : '';
  terminal.say(`the daemon (pid ${pid}) has ended${cut}${left}`);
  return 0;
}

/** It has a backend that outlives it: one that runs, and that a plugin has started, not only found. */
function launches({ lanes }: RelayStatus): boolean {
  return lanes.some(
    ({ state, backend }) =>
      state.at === 'up' && state.backing === null && backend !== null && backend.run !== null && !backend.withLink,
  );
}

async function follow(events: AsyncIterable<Event>, drains: Drains): Promise<void> {
  for await (const event of events) drains.hear(event);
}

/** Says once whom the end waits for and how long at most, and counts whom it cut. */
class Drains {
  readonly #terminal: Terminal;
  readonly #open: number;
  /** Relays with open connections that have not said yet until when they drain. */
  readonly #unsaid: Set<string>;
  #until: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #told = false;
  cut = 0;

  constructor(relays: readonly RelayStatus[], terminal: Terminal) {
    this.#terminal = terminal;
    this.#open = countOpen(relays);
    this.#unsaid = new Set(relays.filter(({ counters }) => counters.open > 0).map(({ name }) => name));
    // It may drain already: somebody else has asked before.
    for (const { name, lanes } of relays) for (const { state } of lanes) this.#drains(name, state);
  }

  begin(): void {
    this.#timer = setTimeout(() => this.#tell(), slow);
    if (this.#unsaid.size === 0) this.#tell();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  hear(event: Event): void {
    if (event.type === 'lane.changed') this.#drains(event.relay, event.state);
    if (event.type !== 'relay.stopped') return;
    this.cut += event.cut ?? 0;
    this.#unsaid.delete(event.relay);
  }

  #drains(relay: string, state: RelayStatus['lanes'][number]['state']): void {
    if (state.at !== 'draining' || !this.#unsaid.delete(relay)) return;
    this.#until = Math.max(this.#until ?? 0, state.until);
    if (this.#timer !== undefined && this.#unsaid.size === 0) this.#tell();
  }

  #tell(): void {
    if (this.#told || this.#open === 0) return;
    this.#told = true;
    const most = this.#until === null ? '' : `, at most ${formatAge(this.#until - Date.now() + 999)}`;
    this.#terminal.err(`waiting for ${openText(this.#open)} to end${most}; \`towline down --now\` cuts them at once\n`);
  }
}
