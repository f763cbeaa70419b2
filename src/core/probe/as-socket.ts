import type { Duplex } from 'node:stream';

/** node:http and ws call these on what they think is a net.Socket; an SSH channel has no use for them. */
export function asSocket(channel: Duplex): Duplex {
  const nothing = () => channel;
  return Object.assign(channel, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => channel.destroy(),
  });
}
