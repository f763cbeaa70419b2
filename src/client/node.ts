import { openWs } from './node-socket.ts';
import type { RelayOptions } from './options.ts';
import { RelayClient } from './relay-client.ts';

export type { Heartbeat, Incoming, Outgoing, Refetch, RelayOptions, Wire } from './options.ts';
export { RelayFault, type RelayFaultCode, relayFaults } from './relay-fault.ts';
export type { RelayClient } from './relay-client.ts';
export type { Status } from './status.ts';

/** The same for Node, by the package `ws`: Node 20 has no WebSocket of its own, and that of later ones tells no HTTP status. */
export function connectRelay(options: RelayOptions = {}): RelayClient {
  return new RelayClient(options, openWs);
}
