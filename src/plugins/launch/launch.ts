/** launch: starts the relay's backend on the remote host, or adopts the one that an earlier link started; it outlives the link. */
import { definePlugin } from '../../plugin.ts';
import { bringUp } from './bring-up.ts';
import { inTime } from './in-time.ts';
import { parseOptions } from './options.ts';
import { Sessions } from './sessions.ts';

export default definePlugin({
  name: 'launch',
  options: { parse: parseOptions },
  relay({ relay, options, signal }) {
    const sessions = new Sessions(relay, signal);
    // It gives up by itself, then says how far it came, or first ends what it started: TERM, 5 s, KILL.
    const limit = options.deadline + (options.late === 'stop' ? 15_000 : 5_000);
    return {
      ...(options.port === 'auto' ? {} : { port: options.port }),
      deadlines: { backend: limit },
      backend(link, call) {
        const name = options.name ?? relay;
        const session = sessions.begin(call.link);
        // A host that is too slow is no fault of this plugin, as a hook that is late would be.
        return inTime(limit - 1_000, call.signal, { name, remote: link.facts.remote }, (signal) =>
          bringUp(link, name, options, { ...call, signal }, session),
        );
      },
    };
  },
});
