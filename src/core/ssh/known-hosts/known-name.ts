/** A host as a line of known_hosts names it: `host`, or `[host]:port` where the port is not 22; lower case. */
export function knownName(name: string, port: number): string {
  const host = name.toLowerCase();
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The names under which a host may stand, the first one first. */
export function namesOf(name: string, port: number): readonly string[] {
  const host = name.toLowerCase();
  return port === 22 ? [host] : [knownName(host, port), host];
}
