import { networkInterfaces } from 'node:os';

/** The addresses of this machine, without those of one cable or of itself alone, which come and go with containers. */
export function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.filter(({ internal, address }) => !internal && !isLinkLocal(address)).map((one) => one.address));
}

/** Whether a socket's own address is still one of this machine's. */
export function isOwnAddress(address: string): boolean {
  const plain = plainAddress(address);
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some((one) => one.address === plain));
}

/** An address as interfaces have it: IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2) is that of IPv4. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** RFC 3927 and RFC 4291 section 2.5.6. */
function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}
