import type { ServerResponse } from 'node:http';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { serveEvents } from './server-sent-events.ts';
import type { UnlockMessage } from './unlock-message.ts';

/**
 * Somebody has come to answer a relay's questions: they are sent to him as Server-Sent Events, and the relay tries at once. He is there
 * for as long as the response is open; `signal` ends it.
 */
export function streamQuestions(
  supervisor: Supervisor,
  relay: string,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  serveEvents(response, signal, (sendLines) => {
    const send = (message: UnlockMessage) => sendLines(`data: ${JSON.stringify(message)}`);
    let last = JSON.stringify(standingOf(supervisor, relay));
    const unsubscribe = supervisor.subscribe(supervisor.status().id, (event) => {
      if (!('relay' in event) || event.relay !== relay || event.type === 'worker.said') return;
      const standing = standingOf(supervisor, relay);
      if (standing === null || JSON.stringify(standing) === last) return;
      last = JSON.stringify(standing);
      send(standing);
    });
    const leave = supervisor.questions.attend(relay, {
      asked: ({ id, question }) => send({ type: 'question', id, question }),
      over: (id) => send({ type: 'over', id }),
    });
    if (!signal.aborted) {
      // The answer to another relay may have let this one in too: then nothing changes any more, and nothing would be said.
      const first = standingOf(supervisor, relay);
      if (first !== null && isUp(supervisor, relay)) send(first);
      // A daemon that ends meanwhile has nothing to be unlocked.
      supervisor.startRelay(relay).catch(() => response.end());
    }
    return () => {
      unsubscribe();
      leave();
    };
  });
}

function isUp(supervisor: Supervisor, name: string): boolean {
  const relay = supervisor.status().relays.find((one) => one.name === name);
  return relay?.running === 'running' && relay.lanes.every(({ state }) => state.at === 'up');
}

function standingOf(supervisor: Supervisor, name: string): UnlockMessage | null {
  const relay = supervisor.status().relays.find((one) => one.name === name);
  if (relay === undefined) return null;
  const { word, reason, fault } = relay.standing;
  const trying = relay.lanes.some(
    ({ state, fault: ended }) => state.at === 'dialing' || (state.at === 'idle' && ended === null),
  );
  return { type: 'standing', word, reason, fault, trying };
}
