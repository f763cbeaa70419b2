import { randomFillSync } from 'node:crypto';
import type { Client } from 'ssh2';
import { makePackets } from '../internals.ts';

const pool = Buffer.allocUnsafeSlow(64 * 1024);
let poolAt = pool.length;

/**
 * Takes the random padding of packets from a pool (RFC 4253 section 6): ssh2 asks the kernel's generator once a packet, which
 * is a tenth of an upload's CPU. No byte is used twice. Only for AES-GCM by the native addon.
 */
export function poolPadding(client: Client): void {
  makePackets(client, allocPacket);
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
