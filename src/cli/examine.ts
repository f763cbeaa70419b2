import { defaultDeadlines, type RelayConfig } from '../core/model/config.ts';
import { formatAddress } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { Ask } from '../core/model/question.ts';
import type { Secret } from '../core/model/secret.ts';
import type { Stage } from '../core/model/state.ts';
import type { Link } from '../core/ssh/link/link.ts';
import type { LoginStep } from '../core/ssh/login-step.ts';
import { openLink } from '../core/ssh/open-link.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import type { ResolveOptions } from '../core/ssh/resolve/resolve.ts';
import { resolveRoute } from '../core/ssh/route.ts';
import { examineLink } from './examine-link.ts';
import { type Finding, mind, well, wrong } from './finding.ts';
import { failedStep, loginFindings, notedStep } from './login-findings.ts';
import { resolveOptions } from './resolve-options.ts';
import { identifyBy, type SeatedGuest, seatGuests } from './seated-guests.ts';

/** What doctor looks at: a relay of the config, or a host alone. */
export interface Subject {
  readonly host: string;
  /** Null for a host alone. */
  readonly relay: RelayConfig | null;
  readonly sshConfig: string | null;
}

export interface ExamineOptions {
  /** Told each finding as it is made. */
  readonly say: (finding: Finding) => void;
  readonly ask: Ask;
  /** The token that a running daemon has for the relay. */
  readonly daemonToken: () => Promise<Secret | null>;
  readonly signal: AbortSignal;
}

/** Goes the way that a relay goes, from ssh_config to the backend, by a connection of its own; ends where it cannot go on. */
export async function examine({ host, relay, sshConfig }: Subject, options: ExamineOptions): Promise<void> {
  const { say } = options;
  const resolving = resolveOptions(sshConfig);
  let route: readonly HostConfig[];
  try {
    route = await resolveRoute(host, resolving);
  } catch (error) {
    return say(wrong('ssh_config', '', Fault.from(error)));
  }
  for (const finding of routeFindings(route)) say(finding);
  const over = new AbortController();
  try {
    const seated = relay === null ? [] : await seatGuests(relay, over.signal).catch(sayUnseated(say));
    if (seated !== null) await goThere(route, relay, { ...options, seated, env: resolving.env });
  } finally {
    over.abort(new Error('enough was seen'));
  }
}

/** A relay whose plugins cannot be had goes no further. */
function sayUnseated(say: ExamineOptions['say']): (error: unknown) => null {
  return (error) => {
    say(wrong('plugins', '', Fault.from(error)));
    return null;
  };
}

interface GoingOptions extends ExamineOptions {
  readonly seated: readonly SeatedGuest[];
  readonly env: ResolveOptions['env'];
}

async function goThere(route: readonly HostConfig[], relay: RelayConfig | null, options: GoingOptions): Promise<void> {
  const { say, ask, seated, env, signal } = options;
  let link: Link;
  let last: LoginStep | null = null;
  let stage: Stage | null = null;
  try {
    link = await openLink({
      route,
      keepalive: relay?.keepalive ?? null,
      deadlines: relay?.deadlines ?? defaultDeadlines,
      quicken: false,
      env,
      permit: async () => ({ done: () => undefined }),
      ask,
      identify: identifyBy(seated, (what, by, hop) => {
        const where = route.length === 1 ? '' : `hop ${hop + 1}`;
        const a = what === 'agent' ? 'an' : 'a';
        say(well('plugins', where, `${by} gives ${a} ${what} to log in with`));
      }),
      onStage: (next) => {
        stage = next;
      },
      onNote: (text) => say(mind(notedStep(stage), '', text)),
      signal,
      observe: (step) => {
        last = step;
        // With one host on the way there is nothing to tell apart.
        const where = route.length === 1 ? '' : step.where.replace(/ \(.*$/, '');
        for (const finding of loginFindings({ ...step, where })) say(finding);
      },
    });
  } catch (error) {
    const fault = Fault.from(error);
    return say(wrong(failedStep(fault, last), '', fault));
  }
  // A ping has no signal of its own.
  const leave = () => link.close();
  signal.addEventListener('abort', leave, { once: true });
  try {
    await examineLink(link, relay, route, options);
  } catch (error) {
    signal.throwIfAborted();
    if (link.fault === null) throw error;
    say(wrong('round trip', '', link.fault, 'the login went well: look at the log of the server, and at the network'));
  } finally {
    signal.removeEventListener('abort', leave);
    link.close();
  }
}

function routeFindings(route: readonly HostConfig[]): readonly Finding[] {
  const last = route.at(-1);
  if (last === undefined) return [];
  const via = route.slice(0, -1).map(({ alias, ...hop }) => `${alias} (${formatAddress(hop)})`);
  const through = via.length === 0 ? '' : `, reached through ${via.join(', ')}`;
  const warnings = [...new Set(route.flatMap(({ warnings: found }) => found))];
  return [
    well('ssh_config', '', `${last.alias} is ${formatAddress(last)}${through}`),
    ...warnings.map((text) => mind('ssh_config', '', text)),
  ];
}
