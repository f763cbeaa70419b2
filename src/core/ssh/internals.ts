/**
 * The one place that touches private fields of ssh2 (pinned to 1.17.0; a guard test fails when they change).
 * Each function says which field it needs and why the public API does not do.
 */
import { randomFillSync } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';

interface PrivateClient {
  readonly _chanMgr: { get(recipient: number): unknown };
  readonly _protocol: {
    readonly _handlers: Record<string, Handler | undefined>;
    readonly _strictMode?: boolean;
    readonly _cipher: PacketMaker;
    directTcpip: OpenChannel;
    openssh_directStreamLocal: OpenChannel;
    ping(): void;
    channelWindowAdjust(channel: number, amount: number): void;
  };
  readonly _callbacks: ((failed: unknown) => void)[];
}

interface PacketMaker {
  allocPacket(payload: number): Buffer;
}

type OpenChannel = (this: unknown, channel: number, window: number, packet: number, target: unknown) => void;

type Handler = (protocol: unknown, ...rest: readonly unknown[]) => void;

interface PrivateChannel {
  readonly type: string;
  readonly incoming: { window: number; readonly state: string };
  readonly outgoing: { readonly id: number; readonly state: string; readonly packetSize: number };
  push(chunk: Buffer | null): boolean;
  _read(): void;
}

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

/** Whether both sides agreed on strict key exchange (CVE-2023-48795). */
export function strictKeyExchange(client: Client): boolean {
  return innards(client)._protocol._strictMode === true;
}

/** Makes every channel that this client opens begin with a small window: ssh2 knows only 2 MiB. */
export function beginWindowsWith(client: Client, size: number): void {
  const protocol = innards(client)._protocol;
  for (const name of ['directTcpip', 'openssh_directStreamLocal'] as const) {
    const open = protocol[name];
    protocol[name] = function small(channel, _window, packet, target) {
      open.call(this, channel, size, packet, target);
    };
  }
}

/**
 * Has ssh2 refuse what a server says of its other host keys (UpdateHostKeys), where it would have each of them proved at each login.
 * To be called before the login is done: sshd says it in the same breath.
 */
export function ignoreHostKeyUpdates(client: Client): void {
  const handlers = innards(client)._protocol._handlers;
  const handle = handlers['GLOBAL_REQUEST'];
  handlers['GLOBAL_REQUEST'] = (self, name, ...rest) =>
    handle?.(self, name === 'hostkeys-00@openssh.com' ? 'not known' : name, ...rest);
}

const slack = 64 * 1024;
/** So many requests of a server that does not read our answers are too many: they would fill the memory. */
const mostUnread = 10_000;

/**
 * Watches that a server keeps to what it was allowed, which ssh2 does not: `breach` is called with what it did when it sends 64
 * KiB more than its window (RFC 4254 section 5.2; at exactly 0 ssh2 would drop the bytes without a word), text on the error
 * stream of a forwarded connection, or requests by the thousand while it takes no answers.
 */
export function policeServer(client: Client, backlog: () => number, breach: (what: string) => void): void {
  const { _chanMgr: channels, _protocol: protocol } = innards(client);
  const before = (name: string, check: (recipient: unknown, data: unknown) => string | null) => {
    const handle = protocol._handlers[name];
    protocol._handlers[name] = (self, first, second, third, fourth) => {
      const what = check(first, second);
      if (what !== null) return breach(what);
      handle?.(self, first, second, third, fourth);
    };
  };
  const overrun = (recipient: unknown, data: unknown): string | null => {
    const channel = channels.get(Number(recipient));
    if (!isChannel(channel) || !Buffer.isBuffer(data)) return null;
    const left = channel.incoming.window;
    return left === 0 || data.length > left + slack ? 'sent more data than it was allowed (SSH window)' : null;
  };
  before('CHANNEL_DATA', overrun);
  before('CHANNEL_EXTENDED_DATA', (recipient, data) => {
    const channel = channels.get(Number(recipient));
    if (isChannel(channel) && channel.type !== 'session') return 'sent error text on a forwarded connection';
    return overrun(recipient, data);
  });
  let unread = 0;
  const request = (): string | null => {
    unread = backlog() > slack ? unread + 1 : 0;
    return unread > mostUnread ? 'asks again and again and takes no answer' : null;
  };
  for (const name of ['GLOBAL_REQUEST', 'CHANNEL_OPEN', 'CHANNEL_REQUEST']) before(name, request);
}

function isChannel(value: unknown): value is PrivateChannel {
  return typeof value === 'object' && value !== null && 'incoming' in value && 'outgoing' in value;
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
    if (inner.incoming.state !== 'open' || inner.outgoing.state === 'closed') return;
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

const pool = Buffer.allocUnsafeSlow(64 * 1024);
let poolAt = pool.length;

/**
 * Takes the random padding of packets from a pool (RFC 4253 section 6): ssh2 asks the kernel's generator once a packet, which
 * is a tenth of an upload's CPU. No byte is used twice. Only for AES-GCM by the native addon; a rekey makes a new cipher.
 */
export function poolPadding(client: Client): void {
  const patch = () => {
    const cipher = innards(client)._protocol._cipher;
    if (cipher.constructor.name === 'AESGCMCipherBinding') cipher.allocPacket = allocPacket;
  };
  patch();
  client.on('handshake', patch);
}

/** Packet length, padding length, room for the payload, padding to a multiple of 16 (at least 4), room for the tag. */
function allocPacket(payload: number): Buffer {
  const short = 16 - ((1 + payload) & 15);
  const padding = short < 4 ? short + 16 : short;
  const length = 1 + payload + padding;
  const packet = Buffer.allocUnsafe(4 + length + 16);
  packet.writeUInt32BE(length, 0);
  packet[4] = padding;
  if (poolAt + padding > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  pool.copy(packet, 5 + payload, poolAt, poolAt + padding);
  poolAt += padding;
  return packet;
}
