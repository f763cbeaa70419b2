import { type ContenderName, type Figure, ratio } from './figure.ts';

/** What towline promises of one figure: an absolute bound, or one beside another contender. */
export interface Target {
  readonly figure: string;
  readonly to: ContenderName | null;
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
}

/** A target and what came out. `met` is null when it was not measured. */
export interface Judged {
  readonly text: string;
  readonly got: string;
  readonly met: boolean | null;
}

/** All targets. The bound beside `ssh -c aes128-gcm` depends on whether ssh2's native addon is loaded. */
export function targets(addon: boolean): readonly Target[] {
  const gcm = addon ? 0.75 : 0.6;
  return [
    { figure: 'latency.one.p50', to: 'ssh', bound: 'at most', limit: 1.5 },
    { figure: 'latency.one.p99', to: 'ssh', bound: 'at most', limit: 1.5 },
    { figure: 'latency.two.p50', to: 'ssh', bound: 'at most', limit: 0.2 },
    { figure: 'latency.two.p99', to: 'ssh', bound: 'at most', limit: 0.2 },
    // Beside the channel that opens, for which a millisecond is promised, there is a client that connects, asks and is answered.
    { figure: 'connects.one', to: null, bound: 'at most', limit: 1 },
    { figure: 'stream.up', to: 'ssh', bound: 'at least', limit: 1.25 },
    { figure: 'stream.down', to: 'ssh', bound: 'at least', limit: 1.25 },
    { figure: 'stream.up', to: 'ssh aes128-gcm', bound: 'at least', limit: gcm },
    { figure: 'stream.down', to: 'ssh aes128-gcm', bound: 'at least', limit: gcm },
    { figure: 'killed.worst', to: null, bound: 'at most', limit: 0.5 },
    { figure: 'outage.failed', to: null, bound: 'at most', limit: 0 },
    { figure: 'outage.return', to: null, bound: 'at most', limit: 2.5 },
    { figure: 'storm.failed', to: null, bound: 'at most', limit: 0 },
    { figure: 'many.relay.time', to: null, bound: 'at most', limit: 20 },
    { figure: 'many.shared.time', to: null, bound: 'at most', limit: 5 },
    { figure: 'many.relay.refused', to: null, bound: 'at most', limit: 0 },
    { figure: 'many.hundred.refused', to: null, bound: 'at most', limit: 0 },
    { figure: 'many.shared.refused', to: null, bound: 'at most', limit: 0 },
    { figure: 'explain.extra', to: null, bound: 'at most', limit: 150 },
  ];
}

/** Holds a target against what was measured. */
export function judge(target: Target, figures: readonly Figure[]): Judged {
  const figure = figures.find((one) => one.id === target.figure);
  const unit = target.to === null ? (figure?.unit ?? '') : `x of ${target.to === 'ssh' ? 'ssh -N -L' : target.to}`;
  const limit = target.to === null ? `${target.limit} ${unit}` : `${target.limit}${unit}`;
  const text = `${figure?.title ?? target.figure}: ${target.bound} ${limit}`.trim();
  const value = figure?.values.towline;
  if (figure === undefined || value === undefined) return { text, got: 'not measured', met: null };
  const got = target.to === null ? value : ratio(figure, 'towline', target.to);
  // A figure that is a word, such as `crashed`, is a promise broken and no gap in the measurement.
  if (typeof got !== 'number')
    return { text, got: String(got ?? value), met: typeof value === 'string' ? false : null };
  const met = target.bound === 'at most' ? got <= target.limit : got >= target.limit;
  return { text, got: target.to === null ? `${got.toFixed(figure.digits)} ${unit}`.trim() : `${got.toFixed(2)}x`, met };
}
