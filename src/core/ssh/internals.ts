/**
 * The one place that touches private fields of ssh2 (pinned to 1.17.0; a guard test fails when they change).
 * Each function says which field it needs and why the public API does not do.
 */
import type { Client, ClientChannel, ParsedKey } from 'ssh2';
import type { Endpoint } from '../model/endpoint.ts';
import type { ServerTraits } from './identity/algorithm.ts';
import type { Extensions, PrivateChannel, PrivateClient } from './innards.ts';

function innards(client: Client): PrivateClient {
  return client as unknown as PrivateClient;
}

/**
 * Sends keepalive@openssh.com; `answered` is called with the answer. The built-in keepalive counts only answers as life, never
 * data, and dies under a full pipe.
 */
export function ping(client: Client, answered: () => void = () => undefined): void {
  const inner = innards(client);
  // The server answers in order: an unclaimed answer would be taken for that of the next request.
  inner._callbacks.push(() => answered());
  inner._protocol.ping();
}

/**
 * Tells what the server says to each attempt to log in (RFC 4252 section 5.1), before ssh2 acts on it: after a key of an agent ssh2
 * forgets it, and with it that the key was accepted and more is wanted.
 */
export function overhearJudgement(
  client: Client,
  heard: (methods: readonly string[] | null, partial: boolean) => void,
): void {
  const handlers = innards(client)._protocol._handlers;
  const handle = handlers['USERAUTH_FAILURE'];
  handlers['USERAUTH_FAILURE'] = (self, methods, partial, ...rest) => {
    heard(Array.isArray(methods) ? methods.map(String) : null, partial === true);
    handle?.(self, methods, partial, ...rest);
  };
}

/** After `connect()`: keeps every piece of a greeting that comes in three or more, where ssh2 forgets all between the first and the last. */
export function keepGreeting(client: Client): void {
  const protocol = innards(client)._protocol;
  const parse = protocol._parse;
  // When the greeting is whole, ssh2 puts the parser of packets here.
  protocol._parse = function whole(chunk, from, length) {
    const had = this._buffer;
    const at = parse.call(this, chunk, from, length);
    if (had !== undefined && this._buffer === had) this._buffer = Buffer.concat([had, chunk.subarray(from, length)]);
    return at;
  };
}

/** Whether both sides agreed on strict key exchange (CVE-2023-48795). */
export function strictKeyExchange(client: Client): boolean {
  return innards(client)._protocol._strictMode === true;
}

/**
 * Within a hostVerifier that is going to refuse: whether the server has signed this very exchange with the key that it shows (RFC 4253 section
 * 8). ssh2 looks at the signature after the verdict only. If it has not, ssh2 raises its error before this returns. No key comes into use.
 */
export function provesHostKey(client: Client): boolean {
  const { _kex: exchange } = innards(client)._protocol;
  const broken = Number.POSITIVE_INFINITY;
  try {
    return exchange.finish(true) !== broken;
  } finally {
    // The server's NEWKEYS may lie in the same chunk: it would go on from here to the login.
    exchange.finish = () => broken;
  }
}

/**
 * Makes every channel, opened or accepted, begin with a window of `size()` bytes: ssh2 knows only 2 MiB. What comes back tells once with how
 * many a channel began; `sizes` is what is not told yet: ssh2 counts its channels up, and never forgets a number by using it again.
 */
export function beginWindowsWith(
  client: Client,
  size: () => number,
  sizes = new Map<number, number>(),
): (channel: ClientChannel) => number {
  const protocol = innards(client)._protocol;
  interceptMessages(client, 'CHANNEL_OPEN_FAILURE', (channel) => {
    sizes.delete(Number(channel));
    return false;
  });
  const begin = (channel: number) => {
    const first = size();
    sizes.set(channel, first);
    return first;
  };
  for (const name of ['directTcpip', 'openssh_directStreamLocal'] as const) {
    const open = protocol[name];
    protocol[name] = function small(channel, _window, packet, target) {
      open.call(this, channel, begin(channel), packet, target);
    };
  }
  const confirm = protocol.channelOpenConfirm;
  protocol.channelOpenConfirm = function small(remote, channel, _window, packet) {
    confirm.call(this, remote, channel, begin(channel), packet);
  };
  return (channel) => {
    const { id } = (channel as unknown as PrivateChannel).incoming;
    const first = sizes.get(id) ?? 0;
    sizes.delete(id);
    return first;
  };
}

/** Looks at each message of this name before ssh2 handles it: `keep` gives what the message says, and with true ssh2 never sees it. */
export function interceptMessages(
  client: Client,
  name: string,
  keep: (first: unknown, second: unknown) => boolean,
): void {
  const { _handlers: handlers } = innards(client)._protocol;
  const handle = handlers[name];
  handlers[name] = (self, first, second, third, fourth) => {
    if (!keep(first, second)) handle?.(self, first, second, third, fourth);
  };
}

/** An open channel's type and how many bytes its server may still send; null where there is no such channel. */
export function channelFacts(
  client: Client,
  recipient: unknown,
): { readonly type: string; readonly window: number } | null {
  const channel = innards(client)._chanMgr.get(Number(recipient));
  // One that is being opened is a function there.
  if (typeof channel !== 'object' || channel === null || !('incoming' in channel)) return null;
  const { type, incoming } = channel as PrivateChannel;
  return { type, window: incoming.window };
}

/** The largest packet that the server takes on a channel: with 0 ssh2 writes in an endless loop (RFC 4254 section 5.1). */
export function packetSize(channel: ClientChannel): number {
  return (channel as unknown as PrivateChannel).outgoing.packetSize;
}

const cut = new WeakSet<ClientChannel>();

/** True when a channel ended without the server's EOF: what came through it may not be the whole (RFC 4254 section 5.3). */
export function endedWithoutEof(channel: ClientChannel): boolean {
  return cut.has(channel);
}

/**
 * Takes a channel's receive window out of ssh2's hands. `grant` says how many bytes to allow now, from what is left and what
 * lies unread.
 */
export function ownWindow(
  client: Client,
  channel: ClientChannel,
  size: number,
  grant: (left: number, unread: number) => number,
): void {
  const inner = channel as unknown as PrivateChannel;
  const protocol = innards(client)._protocol;
  const push = inner.push;
  let ended = false;
  inner.incoming.window = size;
  const topUp = () => {
    // After its close a number may be that of another channel there (RFC 4254 section 5.3).
    if (inner.incoming.state !== 'open' || inner.outgoing.state === 'closing' || inner.outgoing.state === 'closed')
      return;
    const unread = channel.readableFlowing === true ? 0 : channel.readableLength;
    const amount = grant(inner.incoming.window, unread);
    if (amount <= 0) return;
    inner.incoming.window += amount;
    protocol.channelWindowAdjust(inner.outgoing.id, amount);
  };
  inner.push = function owned(chunk) {
    // After an EOF ssh2 pushes the end a second time, with the close.
    if (chunk === null && !ended && inner.incoming.state === 'closed') cut.add(channel);
    ended ||= chunk === null;
    // A chunk is a view into a large read: one that has to wait must not keep all of it alive.
    push.call(this, chunk !== null && channel.readableFlowing !== true ? Buffer.from(chunk) : chunk);
    if (chunk !== null) topUp();
    // "Full" keeps ssh2 from adjusting by itself.
    return false;
  };
  // A stream that was paused in the middle of a read is not asked to read again when it goes on.
  channel.on('resume', topUp);
  inner._read = topUp;
}

/**
 * Has ssh2 tell of clients that come to a listener before the server has said that it listens; it refuses those. A port that the server is
 * to choose is not known before. The function that comes back takes it back: the server said no.
 */
export function expectClients(client: Client, listen: Endpoint): () => void {
  const { _forwarding: ports, _forwardingUnix: paths } = innards(client);
  const key = listen.kind === 'unix' ? listen.path : `${listen.host}:${listen.port}`;
  if (listen.kind === 'unix' ? key in paths : key in ports || listen.port === 0) return () => undefined;
  if (listen.kind === 'unix') paths[key] = true;
  else ports[key] = listen.port;
  return () => void (listen.kind === 'unix' ? delete paths[key] : delete ports[key]);
}

/** Has `make` give ssh2 the room for each packet's payload, where the native addon encrypts by AES-GCM; a rekey makes a new cipher. */
export function makePackets(client: Client, make: (payload: number) => Buffer): void {
  const patch = () => {
    const cipher = innards(client)._protocol._cipher;
    if (cipher.constructor.name === 'AESGCMCipherBinding') cipher.allocPacket = make;
  };
  patch();
  client.on('handshake', patch);
}

/** How a login sends public-key requests of its own (RFC 4252 section 7). */
export interface KeyDoor {
  readonly server: () => ServerTraits;
  readonly send: (message: Buffer) => void;
  /** As if the server had said no: ssh2 asks for the next method. */
  readonly pass: () => void;
}

/**
 * Takes ssh2's public-key requests over, after `connect()`: `own` hears of each key that is next, and again with true when the server
 * would take it; false leaves it to ssh2.
 */
export function openKeyDoor(client: Client, own: (key: ParsedKey, taken: boolean) => boolean): KeyDoor {
  const inner = innards(client);
  const protocol = inner._protocol;
  let signatures: readonly string[] | null = null;
  let methods: unknown = null;
  interceptMessages(client, 'EXT_INFO', (extensions) => {
    signatures ??= (extensions as Extensions).find(({ name }) => name === 'server-sig-algs')?.algs ?? null;
    return false;
  });
  interceptMessages(client, 'USERAUTH_FAILURE', (left) => {
    methods = left;
    return false;
  });
  const authPK = protocol.authPK;
  protocol.authPK = function request(user, key, algorithm, sign) {
    if (!own(key, sign !== undefined)) authPK.call(this, user, key, algorithm, sign);
  };
  return {
    server: () => ({ software: inner._remoteVer ?? '', signatures, session: protocol._kex.sessionID }),
    send: (message) => {
      protocol._authsQueue.push('publickey');
      const { write } = protocol._packetRW;
      const packet = write.alloc(message.length);
      packet.set(message, write.allocStart);
      const ready = write.finalize(packet);
      // While keys are exchanged everything else waits (RFC 4253 section 7.1).
      if (protocol._kexinit === undefined) protocol._cipher.encrypt(ready);
      else protocol._queue = [...(protocol._queue ?? []), ready];
    },
    pass: () => protocol._handlers['USERAUTH_FAILURE']?.(protocol, methods, false),
  };
}
