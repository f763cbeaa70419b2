import { test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import type { UnlockMessage } from '../../src/control/unlock-message.ts';
import type { Prompter } from '../../src/cli/prompter.ts';
import { UnlockSession } from '../../src/cli/unlock-session.ts';

const nobody: Prompter = { ask: async () => null, close: () => undefined };

/** A daemon that says these things and then nothing until it is left, or ends at once. */
function daemon(messages: readonly UnlockMessage[], ends: boolean) {
  const client = openClient('/nowhere');
  return {
    ...client,
    unlock: async function* (_relay: string, signal: AbortSignal) {
      yield* messages;
      if (!ends && !signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  };
}

const never = new AbortController().signal;

test('a relay that is still on its way in the end is told with its reason, where it has one', async (t) => {
  for (const [reason, shown] of [
    ['tcp, attempt 2', 'after 0.001 s (tcp, attempt 2); look'],
    ['', 'after 0.001 s; look'],
  ] as const) {
    const standing = { type: 'standing', word: 'connecting', reason, fault: null, trying: true } as const;
    const end = await new UnlockSession(daemon([standing], false), nobody, 'db', null, 1).run(never);
    t.match(end, { fault: { code: 'AUTH_TIMEOUT' } });
    t.match(end?.fault?.message, shown);
  }
});

test('who leaves hears nothing of a daemon that has ended, and who stays does', async (t) => {
  t.match(await new UnlockSession(daemon([], true), nobody, 'db', null).run(never), { fault: { code: 'NOT_RUNNING' } });
  const leaving = new AbortController();
  const session = new UnlockSession(daemon([], false), nobody, 'db', null).run(leaving.signal);
  leaving.abort();
  t.equal(await session, null);
  t.equal(
    await new UnlockSession(daemon([], false), nobody, 'db', null).run(leaving.signal),
    null,
    'also from the start',
  );
});
