/** launch: starts the relay's backend on the remote host, or adopts the one that an earlier link started; it outlives the link. */
import { definePlugin, Fault } from '../../plugin.ts';
import { bringUp } from './bring-up.ts';
import { type LaunchOptions, parseOptions } from './options.ts';
import { Sessions } from './sessions.ts';

export default definePlugin({
  name: 'launch',
  options: { parse: parseOptions },
  relay({ relay, options, signal }) {
    const sessions = new Sessions(relay, signal);
    return {
      // It gives up by itself, then says how far it came, or first ends what it started: TERM, 5 s, KILL.
      deadlines: { backend: options.deadline + (options.late === 'stop' ? 15_000 : 5_000) },
      backend(link, call) {
        return bringUp(link, options.name ?? relay, options, call, sessions.begin(call.link)).catch(
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
