import { builtins } from '../builtins.ts';
import type { Subject } from './examine.ts';
import { type Finding, mind, type Step, well } from './finding.ts';

/** The steps that are the host's, whichever relay goes there. */
const ofHost: ReadonlySet<Step> = new Set([
  'ssh_config',
  'reached',
  'greeting',
  'algorithms',
  'host key',
  'identities',
  'login',
  'machine',
  'round trip',
  'agents',
]);

/** What was told of a host. */
export interface ToldHost {
  /** The relay under whose name it stands. */
  readonly by: string;
  readonly findings: readonly Finding[];
  /** The way to it ends before a relay begins: another login would fail like this one, and servers count them. */
  readonly ends: boolean;
}

/** What doctor has told of hosts, so that what several relays share is told once. */
export class ToldHosts {
  readonly #told = new Map<string, ToldHost>();

  /** Null: nothing yet, or its relay goes there in its own way. */
  of(subject: Subject): ToldHost | null {
    return this.#told.get(keyOf(subject) ?? '') ?? null;
  }

  /** Keeps what was found on the way of a relay, of the host's steps. */
  keep(subject: Subject, by: string, found: readonly Finding[]): void {
    const key = keyOf(subject);
    if (key === null || this.#told.has(key)) return;
    const findings = found.filter(({ step }) => ofHost.has(step));
    this.#told.set(key, { by, findings, ends: findings.some(({ state }) => state === 'wrong') });
  }
}

/** The line that stands for what was told before. */
export function asTold({ host }: Subject, { by, ends }: ToldHost): Finding {
  if (ends) return mind('ssh_config', '', `the way to ${host} ends as that of ${by}, told above; it is not gone again`);
  return well('ssh_config', '', `the way to ${host} is the one of ${by}, told above`);
}

/** Whether the line of `asTold` says it. */
export function isTold({ step, state, text }: Finding, told: ToldHost): boolean {
  if (!ofHost.has(step) || state === 'wrong') return false;
  return state === 'well' || told.findings.some((one) => one.step === step && one.text === text);
}

/** Without those that are one and the same thing, found on the way of several relays. */
export function distinct(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ step, where, text }) => {
    if (!ofHost.has(step)) return true;
    const key = JSON.stringify([step, where, text]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Another's plugin may log in as it likes. */
function keyOf({ host, relay }: Subject): string | null {
  if (relay === null || relay.plugins.some(({ use }) => !Object.hasOwn(builtins, use))) return null;
  return JSON.stringify([host, relay.keepalive, relay.deadlines]);
}
