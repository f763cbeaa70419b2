/** The forked process of a plugin's daemon side: what it does there harms nobody else. It exits when its supervisor is gone. */
import { Fault } from '../../model/fault.ts';
import { residentBytes } from '../../process/held-bytes.ts';
import { keepManners } from '../../process/manners.ts';
import { Guests } from '../guests.ts';
import { type Guest, loadGuest } from '../load.ts';
import { type FromDaemonSide, mostMemory, type ToDaemonSide, weighing } from './protocol.ts';

type Begin = Extract<ToDaemonSide, { say: 'begin' }>;

const { send: say, exit } = keepManners<FromDaemonSide>();
const begin = () => new Guests((plugin, fault) => say({ say: 'failed', plugin, fault: fault.report() }));
let guests = begin();
let begun: Begin | null = null;
/** What was loaded, until it has a seat. */
let loading: Promise<Guest> | null = null;

// The supervisor looks from outside, which only Linux tells it.
setInterval(() => {
  const rss = residentBytes();
  if (rss > mostMemory) say({ say: 'bloated', rss });
}, weighing).unref();

/** In order: what is said next waits for what was said before. */
let last: Promise<void> = Promise.resolve();
process.on('message', (message: ToDaemonSide) => {
  last = last.then(() => hear(message));
});

// Who stops a service signals each of its processes; the supervisor decides when this one ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => exit());

async function hear(message: ToDaemonSide): Promise<void> {
  switch (message.say) {
    case 'begin': {
      begun = message;
      // Before anything is asked for: a module that never loads must be told from a hook that never answers.
      loading = loadGuest(message.use, message.builtins);
      const loaded = () => say({ say: 'loaded' });
      void loading.then(loaded, loaded);
      return;
    }
    case 'seat':
      return seat(begun, message);
    case 'check': {
      const fault = await guests.check(message.config);
      return say({ say: 'checked', fault: fault?.report() ?? null });
    }
    case 'observe':
      guests.observe(message.event);
      return say({ say: 'observed' });
    case 'dismiss':
      guests.dismiss();
      guests = begin();
      return say({ say: 'dismissed' });
  }
}

async function seat(begun: Begin | null, { relay, use, trial }: Extract<ToDaemonSide, { say: 'seat' }>): Promise<void> {
  try {
    if (begun === null)
      throw new Fault('INTERNAL', 'a bug in towline: a seat before there is a plugin; please report it');
    // The first one is the one that was loaded; others differ by their options.
    const guest = await (loading ?? loadGuest(use, begun.builtins));
    loading = null;
    if (trial) await tryRelaySide(guest, relay, begun.env);
    await guests.seat([guest], 'daemon', relay, begun.env);
    say({ say: 'seated', fault: null });
  } catch (error) {
    loading = null;
    say({ say: 'seated', fault: Fault.from(error).report() });
  }
}

/** Whether a lane could seat it: nothing of that is kept. */
async function tryRelaySide(guest: Guest, relay: string, env: NodeJS.ProcessEnv): Promise<void> {
  const lane = new Guests(() => undefined);
  try {
    await lane.seat([guest], 'relay', relay, env);
  } finally {
    lane.dismiss();
  }
}
