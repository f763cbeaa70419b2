import type { FaultReport } from '../../src/core/model/fault.ts';
import type { Standing } from '../../src/core/model/standing.ts';
import type { DaemonStatus, RelayStatus } from '../../src/core/model/status.ts';

/** The clock of the fixed statuses, ms since the epoch. */
export const now = 1_800_000_000_000;

export const unreachable: FaultReport = {
  code: 'CONNECT_REFUSED',
  message: 'nothing listens at 10.0.0.7:22; start sshd there, or correct the port',
  detail: {},
};

/** A relay that is connected and well, but for what is given. */
export function relayStatus(
  name: string,
  standing: Partial<Standing> = {},
  rest: Partial<RelayStatus> = {},
): RelayStatus {
  return {
    name,
    host: 'devbox',
    since: now - 250_000,
    running: 'running',
    before: true,
    lanes: [],
    forwards: [forward(8787, 8787)],
    lastFault: null,
    recovery: { lostAt: null, count: 0, last: null },
    warnings: [],
    notes: {},
    standing: { word: 'connected', reason: '', fault: null, until: null, verified: true, ...standing },
    counters: {
      open: 3,
      held: 0,
      accepted: 12,
      refused: 1,
      refusedBy: { HOLD_EXPIRED: 1 },
      sent: 1_536,
      received: 20 * 1024 * 1024,
      rtt: [12],
    },
    ...rest,
  };
}

/** A bound and healthy forward between two ports. */
export function forward(from: number, to: number): RelayStatus['forwards'][number] {
  return {
    kind: 'local',
    listen: { kind: 'tcp', host: '127.0.0.1', port: from },
    target: { kind: 'tcp', host: '127.0.0.1', port: to },
    probed: true,
    bound: true,
    boundBy: null,
    listenFault: null,
    judgement: 'well',
    judgeFault: null,
  };
}

/** A daemon with these relays, up for an hour. */
export function daemonStatus(relays: readonly RelayStatus[]): DaemonStatus {
  return {
    id: 9,
    pid: 7,
    version: '1.2.3',
    config: '/c/towline.json',
    since: now - 3_600_000,
    stopping: false,
    pending: null,
    taken: null,
    relays,
  };
}
