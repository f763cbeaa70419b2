/** launch: starts the relay's backend on the remote host, or adopts the one that an earlier link started; it outlives the link. */
import { definePlugin, Fault } from '../../plugin.ts';
import { bringUp } from './bring-up.ts';
import { type LaunchOptions, parseOptions } from './options.ts';

export default definePlugin({
  name: 'launch',
  options: { parse: parseOptions },
  relay({ relay, options, signal }) {
    const sessions = new Set<AbortController>();
    /** The run that was started over each link. */
    const started = new WeakMap<AbortSignal, string>();
    return {
      // It gives up by itself, then says how far it came, or first ends what it started: TERM, 5 s, KILL.
      deadlines: { backend: options.deadline + (options.late === 'stop' ? 15_000 : 5_000) },
      backend(link, call) {
        const own = new AbortController();
        const older = [...sessions];
        sessions.add(own);
        const session = AbortSignal.any([own.signal, call.link, signal]);
        session.addEventListener('abort', () => sessions.delete(own), { once: true });
        // A new one is started only where those before it are dead: what still keeps watch over them may leave.
        const launched = (run: string) => {
          started.set(call.link, run);
          for (const one of older) one.abort(new Error('its backend is gone'));
        };
        const isOwn = (run: string) => started.get(call.link) === run;
        return bringUp(link, options.name ?? relay, options, call, { relay, signal: session, launched, isOwn }).catch(
          (error: unknown) => {
            throw placed(error, options.port);
          },
        );
      },
    };
  },
});

/** Says the port that its backend was to have, where that is fixed: nobody is to be led to who listens there instead. */
function placed(error: unknown, port: LaunchOptions['port']): unknown {
  if (port === 'auto' || !(error instanceof Fault)) return error;
  return new Fault(error.code, error.message, { cause: error, detail: { port, ...error.detail } });
}
