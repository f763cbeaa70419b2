/** same-user: only programs of your own user may connect through the relay, though every user can reach 127.0.0.1. */
import { definePlugin, Fault } from '../plugin.ts';

export default definePlugin({
  name: 'same-user',
  relay({ uidOf }) {
    const own = process.getuid?.();
    if (process.platform !== 'linux' || own === undefined) {
      throw new Fault('PLUGIN_FAILED', 'plugin same-user reads /proc/net/tcp and works on Linux only; remove it here');
    }
    return {
      async admit(client) {
        // A Unix socket has file permissions for this.
        if (client.from === null) return true;
        const uid = await uidOf(client);
        const whose = uid === null ? 'nobody known' : `uid ${uid}`;
        return uid === own || `its port ${client.from.port} belongs to ${whose}, not to uid ${own}`;
      },
    };
  },
});
