/** The forked process: carries lanes, and exits when its supervisor is gone. */
import type { Socket } from 'node:net';
import { residentBytes } from '../process/held-bytes.ts';
import { keepManners } from '../process/manners.ts';
import type { LaneId, ToSupervisor, ToWorker } from '../protocol.ts';
import { socketFrom } from '../socket/raw-handle.ts';
import { Lane } from './lane/lane.ts';
import { Links } from './lane/links.ts';
import { MutexRequests } from './mutex-requests.ts';
import { PermitRequests } from './permit-requests.ts';
import { QuestionRequests } from './question-requests.ts';
import { watchWake } from './wake.ts';

const lanes = new Map<LaneId, Lane>();
const links = new Links();

const { send, exit } = keepManners<ToSupervisor>();

const say = (message: ToSupervisor): Promise<void> => new Promise((resolve) => send(message, resolve));

const permits = new PermitRequests((message) => void say(message));
const questions = new QuestionRequests((message) => void say(message));
const mutexes = new MutexRequests((message) => void say(message));

process.on('message', (message: ToWorker, handle: Socket | undefined) => {
  switch (message.say) {
    case 'open': {
      const lane = new Lane(message, { say, links, permits, questions, mutexes, ending, ended });
      lanes.set(message.lane, lane);
      lane.input({ type: 'start', forced: message.forced });
      break;
    }
    case 'permit':
      permits.granted(message.request, message.spare);
      break;
    case 'withheld':
      permits.withheld(message.request, message.fault, message.wait);
      break;
    case 'acquired':
      mutexes.acquired(message.lane, message.request);
      break;
    case 'answer':
      questions.answered(message.request, message.answers);
      break;
    case 'connection':
      // Of one that was lost on the way Node hands on nothing at all, and the supervisor has a receipt; this is for one that has come without.
      if (handle === undefined) void say({ say: 'returned', id: message.id });
      else connect(message, handle);
      break;
    case 'cut':
      lanes.get(message.lane)?.cut(message.id);
      break;
    case 'nudge':
      // Lanes that share a link failed with it as one, and only one of them is known to have asked.
      for (const lane of message.why === 'host' ? lanes.values() : only(message.lane)) {
        if (message.why === 'network') lane.roam();
        else lane.input({ type: 'nudge', why: message.why });
      }
      break;
    case 'token':
      lanes.get(message.lane)?.token(message.token);
      break;
    case 'appoint':
      lanes.get(message.lane)?.appoint(message.on, message.ports);
      break;
    case 'limit':
      lanes.get(message.lane)?.limit(message.connections);
      break;
    case 'yield':
      lanes.get(message.lane)?.yield();
      break;
    case 'drain':
      lanes.get(message.lane)?.input({ type: 'drain' });
      break;
    case 'stop':
      lanes.get(message.lane)?.input({ type: 'stop' });
      break;
    case 'event':
      if ('relay' in message.event)
        for (const [id, lane] of lanes) if (id.startsWith(`${message.event.relay}#`)) lane.observe(message.event);
      break;
    case 'leave':
      return exit();
    case 'ping':
      void pong(message.n);
      break;
  }
});

// Terminal signals reach the whole group; the supervisor decides when a worker ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
// The supervisor's copies went with it: nobody else tells the clients that theirs is not the whole.
process.on('disconnect', () => {
  for (const lane of lanes.values()) lane.forsake();
  exit();
});

function connect(
  { lane: id, id: connection, client, patience }: Extract<ToWorker, { say: 'connection' }>,
  handle: Socket,
): void {
  const lane = lanes.get(id);
  if (lane !== undefined) return lane.connect(connection, client, patience, handle);
  // The lane ended while the handle was on the way: this process must not keep it.
  socketFrom(handle).destroy();
  void say({ say: 'returned', id: connection });
}

function only(id: LaneId): readonly Lane[] {
  const lane = lanes.get(id);
  return lane === undefined ? [] : [lane];
}

/** The traffic of a lane that ends must be with the supervisor before the news, after which nobody listens and this process is let go. */
function ending(): void {
  void pong(0);
}

function ended(lane: LaneId): void {
  lanes.delete(lane);
}

function pong(n: number): Promise<void> {
  const vitals = Object.fromEntries([...lanes].map(([id, lane]) => [id, lane.vitals]));
  return say({ say: 'pong', n, rss: residentBytes(), vitals });
}

watchWake((asleep) => {
  for (const lane of lanes.values()) lane.wake();
  void say({ say: 'woke', asleep });
});
void say({ say: 'ready' });
