import { type Backend, fixedTargets, type TokenDoor } from '../core/model/backend.ts';
import type { RelayConfig } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { RemoteHost } from '../core/model/remote.ts';
import { dialAlone } from '../core/probe/probe.ts';
import { adviseRefused } from '../core/probe/refused-token.ts';
import type { ShownToken } from '../core/probe/shown-token.ts';
import { checkToken } from '../core/probe/token-check.ts';
import { type Verify, witness } from '../core/probe/witness.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { remoteHost } from '../core/ssh/link/remote-host.ts';
import { foreign, squatted } from '../plugins/launch/launch-faults.ts';
import { type LaunchOptions, parseOptions } from '../plugins/launch/options.ts';
import { verifyRun } from '../plugins/launch/verify-run.ts';
import { runText } from './backend-text.ts';
import { findToken, type TokenPlaces } from './find-token.ts';
import { type Finding, mind, well, wrong } from './finding.ts';
import { lookAtBackend } from './look-at-backend.ts';
import type { SeatedGuest } from './seated-guests.ts';

/** The backend that a relay leads to, as it was found. */
export interface FoundBackend {
  readonly target: Endpoint;
  /** The token that it has proved to be its own, as a health check shows it; null where nothing was to be proved, or it failed. */
  readonly shown: ShownToken | null;
  /** Asked before it is shown again, over a connection that stands; null where nothing was proved. */
  readonly verify: Verify | null;
}

/** What is known of a backend before its token is looked for. */
interface Known {
  /** Where it listens by a process of its own; null where it does not. */
  readonly target: Endpoint | null;
  readonly door: TokenDoor | null;
  /** Says whether what listens there is still what was found; absent: the host is asked. See Backend.verify. */
  readonly verify?: Backend['verify'];
  /** Its state folder on the host; null where it was not launched. */
  readonly dir: string | null;
}

export interface BackendOptions {
  readonly say: (finding: Finding) => void;
  readonly signal: AbortSignal;
  readonly seated: readonly SeatedGuest[];
  /** The token that a running daemon has for the relay. */
  readonly daemonToken: TokenPlaces['daemonToken'];
}

const unknown: Known = { target: null, door: null, dir: null };

/**
 * Looks whether the backend of a relay runs and is ours, whether its token is known, and whether the two belong together. Nothing is started
 * for it, and the token is told to nobody but that backend: who listens is looked at as a worker does. Null where the relay has no backend that could be found.
 */
export async function examineBackend(
  link: Link,
  relay: RelayConfig,
  options: BackendOptions,
): Promise<FoundBackend | null> {
  const { say, seated, daemonToken, signal } = options;
  const host = remoteHost(link);
  const launch = relay.plugins.find(({ use }) => use === 'launch');
  const other = seated.find(({ guests, isBuiltin }) => !isBuiltin && guests.hasBackend);
  if (launch === undefined && other !== undefined) {
    say(mind('backend', '', `the plugin ${other.name} brings it; it is not asked here, for it may start something`));
    return null;
  }
  const attempt = async (step: Finding['step'], look: () => Promise<void>, fix: () => string | null = () => null) => {
    try {
      await look();
    } catch (error) {
      if (link.fault !== null || signal.aborted) throw link.fault ?? error;
      say(wrong(step, '', Fault.from(error), fix()));
    }
  };
  let known = unknown;
  await attempt('backend', async () => {
    known =
      launch === undefined
        ? await attached(host, relay, options)
        : await launched(host, relay, parseOptions(launch.options), options);
  });
  const { target, door, dir } = known;
  let proof: Pick<FoundBackend, 'shown' | 'verify'> = { shown: null, verify: null };
  await attempt('token', async () => {
    const found = await findToken({ relay: relay.name, host, dir, seated, door, target, daemonToken });
    if (found?.token != null) say(well('token', '', `known: ${found.from}`));
    else if (found !== null && door === null) say(well('token', '', found.from));
    else if (door !== null && (launch === undefined || target !== null)) {
      say(mind('token', '', 'nobody knows one', `\`towline token set ${relay.name}\` sets it, if the backend has one`));
    }
    if (found?.token == null || door === null || target === null) return;
    const { token, byHand } = found;
    const forget = `\`towline token forget ${relay.name}\`: what was set by hand counts more than the backend's own`;
    const fix = () => (byHand && launch !== undefined ? forget : null);
    await attempt(
      'proof',
      async () => {
        const verify = await witness(host, { target, ...(known.verify && { verify: known.verify }) }, signal);
        await checkToken(() => dialAlone(link, target), door, token, signal, verify).catch((error: unknown) => {
          throw adviseRefused(error, relay.name, byHand);
        });
        proof = { shown: { wire: door.wire, token }, verify };
        say(well('proof', '', 'it refuses a wrong token, and takes this one'));
      },
      fix,
    );
  });
  return target === null ? null : { target, ...proof };
}

/** One that runs already, where the plugin `token` knows its recipe. */
async function attached(
  host: RemoteHost,
  { forwards }: RelayConfig,
  { seated, signal }: BackendOptions,
): Promise<Known> {
  const targets = fixedTargets(forwards);
  const nobody = () => undefined;
  const call = { signal, link: signal, forced: false, targets, progress: nobody, warn: nobody };
  for (const { guests } of seated) {
    const backend = guests.hasBackend ? await guests.backend(host, call) : undefined;
    if (backend !== undefined) return { ...backend, dir: null };
  }
  return unknown;
}

async function launched(
  host: RemoteHost,
  relay: RelayConfig,
  launch: LaunchOptions,
  { say, signal }: BackendOptions,
): Promise<Known> {
  const name = launch.name ?? relay.name;
  const door = launch.recipe?.door ?? null;
  const logs = `\`towline backend logs ${name}\` shows what it printed`;
  const seen = await lookAtBackend(host, name, signal);
  if (seen === null || seen.backend.run === null) {
    if (seen?.backend.stopped === true) throw stopped(name, relay.name);
    await checkPort(host, launch.port);
    const was =
      seen?.backend.reaped === true ? 'was cleared away by `towline backend reap`' : 'was never launched there';
    say(mind('backend', name, `it ${was}; the relay launches it when it comes up`));
    return { ...unknown, door };
  }
  const { backend, choice, look, dir } = seen;
  const text = runText(backend);
  const at = { target: null, door, dir };
  if (backend.state !== 'live') {
    if (backend.stopped) throw stopped(name, relay.name);
    await checkPort(host, launch.port);
    const left = backend.state === 'left' ? `\`towline backend reap ${name}\` clears that away; ` : '';
    say(mind('backend', name, `it does not run: ${text}`, `${left}${logs}; the relay launches it again`));
    return at;
  }
  if (look?.tellable === false) {
    say(mind('backend', name, `${text}; the host does not show whose a port is (no /proc)`));
    return at;
  }
  if (choice.is === 'foreign') throw await squatted({ name }, host, choice.port);
  if (choice.is === 'waiting') {
    say(mind('backend', name, `${text}; it does not listen yet`, logs));
    return at;
  }
  const target: Endpoint = { kind: 'tcp', host: choice.host, port: choice.port };
  say(well('backend', name, `${text}; a process of its own listens at ${formatEndpoint(target)} there`));
  const run = { dir, run: seen.backend.run };
  return { ...at, target, verify: (now) => verifyRun(host, name, run, choice, now) };
}

/** A fixed port that somebody else has is what the launch would meet. Throws LAUNCH_PORT_TAKEN. */
async function checkPort(host: RemoteHost, port: LaunchOptions['port']): Promise<void> {
  if (port === 'auto') return;
  const stream = await host.dial({ kind: 'tcp', host: '127.0.0.1', port }).catch(() => null);
  if (stream === null) return;
  stream.on('error', () => undefined).destroy();
  const owner = await foreign(host, port);
  const text = `port ${port} on ${host.facts.remote} is taken by ${owner}; stop that, or let the backend choose its port ("port": "auto")`;
  throw new Fault('LAUNCH_PORT_TAKEN', text, { detail: { port } });
}

/** In the words of the relay's own attempt, so that it is known to be the same. */
function stopped(name: string, relay: string): Fault {
  const text = `the backend ${name} was stopped with \`towline backend stop\`; \`towline restart ${relay}\` starts it again`;
  return new Fault('BACKEND_STOPPED', text);
}
