import { Fault, type FaultReport } from '../../model/fault.ts';
import type { LaneInput } from '../../model/lane-step.ts';
import { monotonic } from '../clock.ts';

/** The supervisor lets nobody shake hands with this host, or with these credentials, for a while. Not a failure of this attempt. */
export class Withheld extends Error {
  /** What somebody met there. */
  readonly fault: FaultReport;
  /** ms to wait. */
  readonly wait: number;

  constructor(fault: FaultReport, wait: number) {
    super(fault.message);
    this.fault = fault;
    this.wait = wait;
  }
}

/** How an attempt failed, as `step` hears it. */
export function failureOf(error: unknown): LaneInput {
  if (error instanceof Withheld) {
    const until = monotonic() + error.wait;
    return { type: 'withheld', fault: error.fault, until };
  }
  return { type: 'failed', fault: Fault.from(error).report() };
}

/** How the attempt to make a second link failed. */
export function besideFailureOf(error: unknown): LaneInput {
  const input = failureOf(error);
  if (input.type === 'withheld') return { ...input, type: 'beside-withheld' };
  return { type: 'beside-failed', fault: Fault.from(error).report() };
}
