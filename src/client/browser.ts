import type { RelayOptions } from './options.ts';
import { RelayClient } from './relay-client.ts';
import { openWebSocket } from './web-socket.ts';

export type { Heartbeat, Incoming, Outgoing, Refetch, RelayOptions, Wire } from './options.ts';
export { RelayFault, type RelayFaultCode, relayFaults } from './relay-fault.ts';
export type { RelayClient } from './relay-client.ts';
export type { Status } from './status.ts';

/** Connects to a backend through a relay, and stays connected until `close()`. Throws ADDRESS_INVALID; everything else is told by the status. */
export function connectRelay(options: RelayOptions = {}): RelayClient {
  return new RelayClient(options, openWebSocket);
}
