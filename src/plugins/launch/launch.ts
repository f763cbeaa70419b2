/** launch: starts the relay's backend on the remote host, or adopts the one that an earlier link started; it outlives the link. */
import { definePlugin } from '../../plugin.ts';
import { bringUp } from './bring-up.ts';
import { parseOptions } from './options.ts';
import { Sessions } from './sessions.ts';

export default definePlugin({
  name: 'launch',
  options: { parse: parseOptions },
  relay({ relay, options, signal }) {
    const sessions = new Sessions(relay, signal);
    return {
      ...(options.port === 'auto' ? {} : { port: options.port }),
      // It gives up by itself, then says how far it came, or first ends what it started: TERM, 5 s, KILL.
      deadlines: { backend: options.deadline + (options.late === 'stop' ? 15_000 : 5_000) },
      backend(link, call) {
        return bringUp(link, options.name ?? relay, options, call, sessions.begin(call.link));
      },
    };
  },
});
