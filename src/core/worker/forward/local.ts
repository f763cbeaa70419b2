import type { Endpoint } from '../../model/endpoint.ts';
import { splice } from '../clients/splice.ts';
import type { ForwardKind } from './kind.ts';

/** `local` (`ssh -L`): each accepted client gets a channel to the target. */
export function localForward(target: Endpoint): ForwardKind {
  return {
    async serve(socket, client, way, traffic, windows, opened, wrap) {
      const { link, yielded } = way;
      const channel = await link.dial(target, client.from ?? { address: '127.0.0.1', port: 0 }, yielded, windows);
      try {
        // With the very word that opened it.
        if (link.fault !== null) throw link.fault;
        way.join();
        await opened();
      } catch (error) {
        channel.destroy();
        throw error;
      }
      return splice({ socket, channel, link, traffic, wrap, client: 'here' });
    },
  };
}
