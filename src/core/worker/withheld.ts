import { Fault, type FaultReport } from '../model/fault.ts';
import type { LaneInput } from '../model/lane-step.ts';
import { monotonic } from './clock.ts';

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

/** How an attempt failed, as `step` hears it. `beside`: the one to make a second link. */
export function failureOf(error: unknown, beside: boolean): LaneInput {
  if (error instanceof Withheld) {
    const until = monotonic() + error.wait;
    return { type: beside ? 'beside-withheld' : 'withheld', fault: error.fault, until };
  }
  return { type: beside ? 'beside-failed' : 'failed', fault: Fault.from(error).report() };
}
