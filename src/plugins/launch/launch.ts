/** launch: starts the relay's backend on the remote host, or adopts the one that an earlier link started; it outlives the link. */
import { definePlugin } from '../../plugin.ts';
import { bringUp } from './bring-up.ts';
import { parseOptions } from './options.ts';

export default definePlugin({
  name: 'launch',
  options: { parse: parseOptions },
  relay({ relay, options, signal }) {
    // With the run that each of them started, if it did.
    const sessions = new Map<AbortController, string | null>();
    return {
      // It gives up by itself, and then says how far it came.
      deadlines: { backend: options.deadline + 5_000 },
      backend(link, call) {
        const own = new AbortController();
        const older = [...sessions.keys()];
        sessions.set(own, null);
        const session = AbortSignal.any([own.signal, call.link, signal]);
        session.addEventListener('abort', () => sessions.delete(own), { once: true });
        // A new one is started only where those before it are dead: what still keeps watch over them may leave.
        const launched = (run: string) => {
          sessions.set(own, run);
          for (const one of older) one.abort(new Error('its backend is gone'));
        };
        return bringUp(link, options.name ?? relay, options, call, {
          signal: session,
          launched,
          isOwn: (run) => [...sessions.values()].includes(run),
        });
      },
    };
  },
});
