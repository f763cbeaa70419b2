/** The thread of a plugin's daemon side: what it does to its thread harms nobody else in the process. */
import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from '../model/fault.ts';
import { Guests } from './guests.ts';
import { type Guest, loadGuest } from './load.ts';
import { type FromThread, mostMemory, type ThreadData, type ToThread } from './thread-protocol.ts';

const { use, builtins, env }: ThreadData = workerData;
const port = parentPort;
if (port === null) throw new Fault('INTERNAL', 'a bug in towline: a plugin thread without a parent; please report it');

const say = (message: FromThread) => port.postMessage(message);
const begin = () => new Guests((plugin, fault) => say({ say: 'failed', plugin, fault: fault.report() }));
let guests = begin();

/** How often heap and buffers are weighed, ms. */
const every = 250;
const { memoryUsage } = process;
setInterval(() => {
  const { heapUsed, external } = memoryUsage();
  const size = Math.round((heapUsed + external) / 1024 / 1024);
  if (size > mostMemory) say({ say: 'bloated', size });
}, every).unref();

// Loaded before anything is asked for: a module that never loads must be told from a hook that never answers.
let loading: Promise<Guest> | null = loadGuest(use, builtins);
loading.then(
  () => say({ say: 'loaded' }),
  () => say({ say: 'loaded' }),
);

/** In order: what is said next waits for what was said before. */
let last: Promise<void> = Promise.resolve();
port.on('message', (message: ToThread) => {
  last = last.then(() => hear(message));
});

async function hear(message: ToThread): Promise<void> {
  switch (message.say) {
    case 'seat':
      return seat(message);
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

async function seat({ relay, use: wanted, trial }: Extract<ToThread, { say: 'seat' }>): Promise<void> {
  try {
    // The first one is the one that was loaded; others differ by their options.
    const guest = await (loading ?? loadGuest(wanted, builtins));
    loading = null;
    if (trial) await tryRelaySide(guest, relay);
    await guests.seat([guest], 'daemon', relay, env);
    say({ say: 'seated', fault: null });
  } catch (error) {
    loading = null;
    say({ say: 'seated', fault: Fault.from(error).report() });
  }
}

/** Whether a lane could seat it: nothing of that is kept. */
async function tryRelaySide(guest: Guest, relay: string): Promise<void> {
  const lane = new Guests(() => undefined);
  try {
    await lane.seat([guest], 'relay', relay, env);
  } finally {
    lane.dismiss();
  }
}
