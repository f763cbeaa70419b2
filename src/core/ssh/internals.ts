/**
 * The one place that touches private fields of ssh2 (pinned to 1.17.0; a guard test fails when they change).
 * Each function says which field it needs and why the public API does not do.
 */
import { randomFillSync } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';

interface PrivateClient {
  readonly _protocol: { ping(): void; readonly _strictMode?: boolean; readonly _cipher: PacketMaker };
  readonly _callbacks: ((failed: unknown) => void)[];
}

interface PacketMaker {
  allocPacket(payload: number): Buffer;
}

interface PrivateChannel {
  readonly incoming: { window: number };
  push(chunk: Buffer | null): boolean;
}

function innards(client: Client): PrivateClient {
  return client as unknown as PrivateClient;
}

/** Sends keepalive@openssh.com. The built-in keepalive counts only answers as life, never data, and dies under a full pipe. */
export function ping(client: Client): void {
  const inner = innards(client);
  // The server answers in order: an unclaimed answer would be taken for that of the next request.
  inner._callbacks.push(() => undefined);
  inner._protocol.ping();
}

/** Whether both sides agreed on strict key exchange (CVE-2023-48795). */
export function strictKeyExchange(client: Client): boolean {
  return innards(client)._protocol._strictMode === true;
}

const slack = 64 * 1024;

/**
 * Calls `overrun` when the server has sent more than the window it was granted (RFC 4254 section 5.2) and 64 KiB:
 * ssh2 counts the window down past zero without a limit, and a hostile server fills the memory.
 */
export function guardWindow(channel: ClientChannel, overrun: () => void): void {
  const inner = channel as unknown as PrivateChannel;
  const push = inner.push;
  inner.push = function guarded(chunk) {
    if (inner.incoming.window < -slack) overrun();
    return push.call(this, chunk);
  };
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
