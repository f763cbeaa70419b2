import { output } from './run.ts';

/** What wrk says: latencies in ms. */
export interface WrkReport {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** Socket errors, timeouts and answers that are no 2xx or 3xx. */
  readonly errors: number;
}

/** Runs wrk with one thread against a path of the backend behind `port`. */
export async function wrk(
  port: number,
  path: string,
  clients: number,
  seconds: number,
  signal: AbortSignal,
): Promise<WrkReport> {
  const url = `http://127.0.0.1:${port}${path}`;
  return parseWrk(await output('wrk', ['-t1', `-c${clients}`, `-d${seconds}s`, '--latency', url], signal));
}

const scale: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

/** Reads the report that `wrk --latency` prints. */
export function parseWrk(text: string): WrkReport {
  const share = (percent: number): number => {
    const match = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)`, 'm').exec(text);
    return Number(match?.[1] ?? Number.NaN) * (scale[match?.[2] ?? ''] ?? Number.NaN);
  };
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  return {
    p50: share(50),
    p99: share(99),
    perSecond: Number(/^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1] ?? Number.NaN),
    errors: [...broken, bad].reduce((total: number, count) => total + Number(count), 0),
  };
}
