import type { Fault } from '../core/model/fault.ts';

/** One thing that doctor found, on the way from the config to the backend. */
export interface Finding {
  readonly step: Step;
  /** The hop or target it is about; empty where that is clear. */
  readonly where: string;
  /** `wait`: it is not over yet, and nobody knows how it ends. */
  readonly state: 'well' | 'wait' | 'mind' | 'wrong';
  readonly text: string;
  /** What to do; null where there is nothing to do. */
  readonly fix: string | null;
  readonly fault: Fault | null;
}

/** The steps of an examination, in their order. */
export type Step =
  | 'ssh_config'
  | 'plugins'
  | 'reached'
  | 'greeting'
  | 'algorithms'
  | 'host key'
  | 'identities'
  | 'login'
  | 'machine'
  | 'round trip'
  | 'forwarding'
  | 'target'
  | 'backend'
  | 'token'
  | 'proof'
  | 'agents'
  | 'listen'
  | 'daemon';

/** All is well with it. */
export function well(step: Step, where: string, text: string): Finding {
  return { step, where, state: 'well', text, fix: null, fault: null };
}

/** It may matter. */
export function mind(step: Step, where: string, text: string, fix: string | null = null): Finding {
  return { step, where, state: 'mind', text, fix, fault: null };
}

/** It is under way. */
export function wait(step: Step, where: string, text: string, fix: string | null = null): Finding {
  return { step, where, state: 'wait', text, fix, fault: null };
}

/** It is what is wrong: the fault's sentence ends with what to do, unless `fix` knows better. */
export function wrong(step: Step, where: string, fault: Fault, fix: string | null = null): Finding {
  return { step, where, state: 'wrong', text: fault.message, fix, fault };
}
