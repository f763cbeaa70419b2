import { faults, type FaultCode, type FaultEntry, type RetryClass } from './fault-table.ts';

/** The form in which a fault crosses processes and the API: never a stack, never a cause. */
export interface FaultReport {
  readonly code: FaultCode;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

/** A failure with a code. The message is lower case, names the thing and the value, and ends with what to do. */
export class Fault extends Error {
  /** The bundle calls a class otherwise that names itself. */
  static override readonly name = 'Fault';
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly detail: Readonly<Record<string, string | number>>;

  constructor(
    code: FaultCode,
    message: string,
    options: { cause?: unknown; detail?: Readonly<Record<string, string | number>> } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }

  /** Retry class, exit code, HTTP status and meaning of this fault's code. */
  get entry(): FaultEntry {
    return faults[this.code];
  }

  /** What may leave the process. */
  report(): FaultReport {
    return { code: this.code, message: this.message, detail: this.detail };
  }

  /** Gives a fault back as it is; anything else that was thrown is a bug of ours and becomes INTERNAL. */
  static from(error: unknown): Fault {
    if (error instanceof Fault) return error;
    const text = error instanceof Error ? error.message : String(error);
    return new Fault('INTERNAL', `a bug in towline: ${text}; please report it with the log`, { cause: error });
  }

  /** Rebuilds a fault from the form in which it crossed a process boundary. */
  static fromReport(report: FaultReport): Fault {
    return new Fault(report.code, report.message, { detail: report.detail });
  }
}

/**
 * By 255 ssh says that it failed itself. A port that refuses ends it after 6 ms on loopback, a key that is refused after 145 ms; on a busy machine
 * all takes longer, but there it says whether it has reached anybody.
 */
const login = { exit: 255, least: 50 };

/**
 * How soon an attempt that failed with this is repeated. Where keys were rejected before a question stayed without answer, the host may
 * take them later: it is asked as often as for rejected keys alone. A ProxyCommand that ended as an ssh whose login failed is not run as
 * often as one that reached nobody.
 */
export function retryOf({ code, detail }: FaultReport): RetryClass {
  const long = Number(detail['ran']) >= login.least && detail['unreached'] !== 1;
  if (code === 'PROXY_COMMAND_FAILED' && detail['exit'] === login.exit && long) return 'command';
  return code === 'NEEDS_ANSWER' && 'rejected' in detail ? 'refused' : faults[code].retry;
}

/** Whether all lanes to a host wait when one of them met this. */
export function leavesHostAlone(fault: FaultReport): boolean {
  const retry = retryOf(fault);
  return retry === 'busy' || retry === 'command';
}
