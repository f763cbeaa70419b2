import type { FaultReport } from '../model/fault.ts';

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
