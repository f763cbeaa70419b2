import { homedir, userInfo } from 'node:os';
import {
  type Deadlines,
  defaultKeepalive,
  detectTime,
  type ForwardConfig,
  type RelayConfig,
} from '../core/model/config.ts';
import { type Endpoint, formatAddress, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { Ask } from '../core/model/question.ts';
import type { Stage } from '../core/model/state.ts';
import { probeTcp } from '../core/probe/tcp.ts';
import { probeHttp } from '../core/probe/http.ts';
import { probeWebsocket } from '../core/probe/websocket.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { remoteHost } from '../core/ssh/link/remote-host.ts';
import type { LoginStep } from '../core/ssh/login-step.ts';
import { openLink } from '../core/ssh/open-link.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import { resolveRoute } from '../core/ssh/route.ts';
import { askAgents } from './agent-logins.ts';
import { type Finding, mind, well, wrong } from './finding.ts';

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
  readonly signal: AbortSignal;
}

const deadlines: Deadlines = { tcp: 5_000, greeting: 5_000, keyExchange: 10_000, auth: 20_000, open: 5_000 };
const pings = 5;

/** Goes the way that a relay goes, from ssh_config to the backend, by a connection of its own; ends where it cannot go on. */
export async function examine({ host, relay, sshConfig }: Subject, options: ExamineOptions): Promise<void> {
  const { say, ask, signal } = options;
  const env = Object.fromEntries(Object.entries(process.env));
  let route: readonly HostConfig[];
  try {
    route = await resolveRoute(host, { sshConfig, home: homedir(), localUser: userInfo().username, env });
  } catch (error) {
    return say(wrong('ssh_config', '', Fault.from(error)));
  }
  for (const finding of routeFindings(route)) say(finding);
  let link: Link;
  let last: LoginStep | null = null;
  let stage: Stage | null = null;
  try {
    link = await openLink({
      route,
      keepalive: relay?.keepalive ?? null,
      deadlines: relay?.deadlines ?? deadlines,
      quicken: false,
      env,
      permit: async () => ({ done: () => undefined }),
      ask,
      onStage: (next) => {
        stage = next;
      },
      onNote: (text) => say(mind(notedStep(stage), '', text)),
      signal,
      observe: (step) => {
        last = step;
        // With one host on the way there is nothing to tell apart.
        const where = route.length === 1 ? '' : step.where.replace(/ \(.*$/, '');
        for (const finding of stepFindings({ ...step, where })) say(finding);
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

function stepFindings(step: LoginStep): readonly Finding[] {
  const { where } = step;
  switch (step.step) {
    case 'reached':
      return [
        well(
          'reached',
          where,
          `reached ${step.how} in ${step.took} ms${step.command === null ? '' : `: ${step.command}`}`,
        ),
      ];
    case 'greeting':
      return [well('greeting', where, step.server)];
    case 'algorithms': {
      const { kex, hostKey, cipher } = step.agreed;
      const strict = step.strict ? 'strict key exchange' : 'no strict key exchange';
      return [well('algorithms', where, `${kex}, ${hostKey}, ${cipher}; ${strict}, not post-quantum`)];
    }
    case 'host key': {
      const known = step.isNew ? 'new, and written to known_hosts (accept-new)' : 'known';
      return [well('host key', where, `${step.fingerprint} is ${known}`)];
    }
    case 'identities':
      return identityFindings(step);
  }
}

/** So many keys shown to a server are more than it needs to know, and near sshd's limit of six (MaxAuthTries). */
const manyKeys = 4;

function identityFindings(step: Extract<LoginStep, { step: 'identities' }>): readonly Finding[] {
  const { where, offered, rejected, unsigned, skipped, methods, entered } = step;
  const accepted = offered.filter((key) => !rejected.includes(key) && !unsigned.includes(key));
  const takes = methods === null || methods.length === 0 ? '' : `; it takes ${methods.join(', ')}`;
  return [
    ...skipped.map((text) => mind('identities', where, text)),
    ...rejected.map((key) => mind('identities', where, `shown, not accepted: ${key}`)),
    ...unsigned.map((key) => mind('identities', where, `the server may take it, but it could not be used: ${key}`)),
    ...(entered ? accepted.map((key) => well('identities', where, `accepted: ${key}`)) : []),
    ...(rejected.length >= manyKeys
      ? [
          mind(
            'identities',
            where,
            `the server was shown ${rejected.length} keys that it does not know`,
            'name the right one with IdentityFile, and set IdentitiesOnly yes for this host',
          ),
        ]
      : []),
    ...(entered ? [well('login', where, accepted.length > 0 ? 'logged in by key' : 'logged in')] : []),
    ...(entered || takes === '' ? [] : [mind('login', where, `the server did not let us in${takes}`)]),
  ];
}

/** What a note is about, by how far the attempt has come. */
function notedStep(stage: Stage | null): Finding['step'] {
  if (stage === null) return 'identities';
  return stage === 'permit' || stage === 'tcp' || stage === 'greeting' ? 'reached' : 'login';
}

/** Where an attempt came to its end: by its fault, else by the last step that went well. */
function failedStep({ code }: Fault, last: LoginStep | null): Finding['step'] {
  if (/^(?:HOST_KEY|KNOWN_HOSTS)_/.test(code)) return 'host key';
  if (code === 'ALGORITHM_MISMATCH' || code === 'STRICT_KEX_MISSING') return 'algorithms';
  if (/^(?:AUTH|AGENT|IDENTITY|PASSWORD)_/.test(code) || code === 'NEEDS_ANSWER') return 'login';
  switch (last?.step) {
    case undefined:
      return 'reached';
    case 'reached':
      return 'greeting';
    case 'greeting':
      return 'algorithms';
    case 'algorithms':
      return 'host key';
    case 'host key':
      return 'login';
    case 'identities':
      // Of a hop before: this one has not been reached yet.
      return last?.entered ? 'reached' : 'login';
  }
}

async function examineLink(
  link: Link,
  relay: RelayConfig | null,
  route: readonly HostConfig[],
  { say, signal }: ExamineOptions,
): Promise<void> {
  const host = route.at(-1)?.alias ?? '';
  say(await nameMachine(link, signal));
  const times: number[] = [];
  for (let n = 0; n < pings; n++) times.push(await link.roundTrip());
  const keepalive = relay?.keepalive ?? route.at(-1)?.keepalive ?? defaultKeepalive;
  const worst = Math.max(...times);
  const notice = `a dead link is noticed after ${detectTime(keepalive) / 1000} s`;
  say(well('round trip', '', `${Math.min(...times).toFixed(1)} to ${worst.toFixed(1)} ms; ${notice}`));
  if (relay === null) await forwarding(link, say);
  else for (const forward of relay.forwards) await examineForward(link, forward, host, { say, signal });
  for (const finding of await askAgents(link)) say(finding);
  if (link.fault !== null) throw link.fault;
}

/** Which machine it is, by its own word; a host that runs no commands is told, a link that is lost meanwhile throws. */
async function nameMachine(link: Link, signal: AbortSignal): Promise<Finding> {
  try {
    const { stdout } = await remoteHost(link).run('hostname; id -un; uname -sr', { deadline: deadlines.open, signal });
    const [machine = '', user, system] = stdout.split('\n');
    if (machine === '') return mind('machine', '', 'it does not say its name; forwarding works without');
    return well(
      'machine',
      '',
      `${machine} (${system}), as ${user}: what a backend there shows is that of this machine`,
    );
  } catch (error) {
    if (link.fault !== null || signal.aborted) throw error;
    const fault = Fault.from(error);
    if (fault.code !== 'REMOTE_REFUSED' && fault.code !== 'OPEN_TIMEOUT') throw error;
    return mind('machine', '', `${fault.message}; forwarding works without`);
  }
}

/** Without a target of its own a host is asked for its own sshd: whether anything answers there does not matter. */
async function forwarding(link: Link, say: ExamineOptions['say']): Promise<void> {
  const target: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 22 };
  const fault = await faultOf(link, probeTcp(link, target, deadlines.open, AbortSignal.timeout(deadlines.open)));
  if (fault === null || fault.code === 'TARGET_REFUSED')
    return say(well('forwarding', '', 'the server forwards connections'));
  say(wrong('forwarding', '', fault));
}

async function examineForward(
  link: Link,
  { target, health }: ForwardConfig,
  host: string,
  { say, signal }: Pick<ExamineOptions, 'say' | 'signal'>,
): Promise<void> {
  if (target.kind === 'backend') {
    return say(well('target', 'backend', 'launched over a link; `towline backend ps` shows what runs there'));
  }
  const name = formatEndpoint(target);
  const fault = await faultOf(link, probeTcp(link, target, deadlines.open, signal));
  if (fault !== null) {
    if (fault.code !== 'TARGET_REFUSED') return say(wrong('forwarding', name, fault));
    const show = `ss -l${target.kind === 'tcp' ? 'tn' : 'x'}`;
    return say(wrong('target', name, fault, `on ${host} \`${show}\` shows what listens; start the backend there`));
  }
  say(well('target', name, 'the server forwards there, and something answers'));
  if (health?.kind !== 'http' && health?.kind !== 'websocket') return;
  const probe = health.kind === 'http' ? probeHttp : probeWebsocket;
  const unwell = await faultOf(link, probe(link, target, health, signal));
  say(
    unwell === null
      ? well('backend', name, `answers as it should (${health.kind === 'http' ? 'HTTP' : 'WebSocket'})`)
      : wrong('backend', name, unwell),
  );
}

/** What is wrong with one target; the end of the link itself is thrown, and told once. */
async function faultOf(link: Link, attempt: Promise<void>): Promise<Fault | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    if (link.fault !== null) throw link.fault;
    return Fault.from(error);
  }
}
