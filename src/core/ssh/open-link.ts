import type { Client } from 'ssh2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Deadlines, defaultKeepalive, detectTime, type Keepalive } from '../model/config.ts';
import { formatAddress } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import type { Ask } from '../model/question.ts';
import type { Stage } from '../model/state.ts';
import { answerWith, type Identify } from './identity/given.ts';
import { identityName } from './identity/identity.ts';
import { nearAlias } from './resolve/aliases.ts';
import type { HostKeyJudgement } from './known-hosts/host-key.ts';
import type { HostConfig } from './resolve/host-config.ts';
import { Link } from './link/link.ts';
import { lingerAfter } from './linger.ts';
import type { LoginStep } from './login-step.ts';
import { type Hop, prepareHops } from './route.ts';
import { quicken } from './link/quicken.ts';
import { offerTo } from './login/algorithms.ts';
import { shake } from './login/shake.ts';
import { programOf } from './proxy-program.ts';
import { reachFirst, reachThrough } from './reach.ts';
import type { Carrier } from './link/carriers.ts';

/** A permit to shake hands with one host. */
export interface Permit {
  /** So many wrong answers it may be given: each one stands in its log. */
  readonly spare: number;
  /** The connection to it is open. */
  reached(): void;
  /** How it went; `cancelled`: it was not wanted any more. */
  done(end: Fault | 'cancelled' | null): void;
}

/** For who asks nobody: a person looks on, as with `ssh`. */
export const freePermit: Permit = { spare: Number.POSITIVE_INFINITY, reached: () => undefined, done: () => undefined };

export interface OpenLinkOptions {
  readonly route: readonly HostConfig[];
  /** The relay's own; null: ssh_config's, else 5 s x 3. */
  readonly keepalive: Keepalive | null;
  readonly deadlines: Deadlines;
  readonly quicken: boolean;
  /** What a ProxyCommand sees: the daemon's environment, which the worker's own is not. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked before each hop: `host` is its address, `account` names who logs in with what. */
  readonly permit: (host: string, account: string, signal: AbortSignal) => Promise<Permit>;
  /** Asks for a passphrase, a password or whatever the server wants to know. */
  readonly ask: Ask;
  readonly onStage: (stage: Stage) => void;
  /** A sentence about something that was passed over. */
  readonly onNote: (text: string) => void;
  readonly signal: AbortSignal;
  /**
   * How long a login that the host has heard of goes on after `signal`, ms; 0 unless given. One that is broken off leaves a line in the
   * host's log of which too many have an address banned; one that was let in, and left, does not.
   */
  readonly linger?: number;
  /** Judges the last host's key in the place of known_hosts: for who wants to see it. No identity is read for that host. */
  readonly judge?: (hop: Hop, key: Buffer) => HostKeyJudgement;
  /** What plugins know about how to log in to a host, before its own identities are offered. */
  readonly identify?: Identify | null;
  /** Told what is found out on the way. */
  readonly observe?: (step: LoginStep) => void;
}

/** Connects over the whole route. Rejects with the Fault of the first hop that fails; nothing is left open then. */
export async function openLink(options: OpenLinkOptions): Promise<Link> {
  const { deadlines, signal, judge } = options;
  const hops = await prepareHops(options.route, signal, judge !== undefined, options.identify);
  for (const note of new Set(hops.flatMap((hop) => [...hop.notes, ...offerTo(hop).notes]))) options.onNote(note);
  const target = hops.at(-1);
  if (target === undefined)
    throw new Fault('INTERNAL', 'a bug in towline: an empty route; please report it with the log');
  const keepalive = options.keepalive ?? target.host.keepalive ?? defaultKeepalive;
  const passed: { client: Client; where: string }[] = [];
  const channels: Duplex[] = [];
  let carrier: Carrier | null = null;
  const began = performance.now();
  try {
    for (const hop of hops) {
      options.onStage('permit');
      const { hostName, port } = hop.host;
      const permit = await options.permit(formatAddress({ hostName, port }), account(hop), signal);
      const lingering = lingerAfter(signal, options.linger ?? 0);
      let at: 'near' | 'reached' | 'in' = 'near';
      try {
        options.onStage('tcp');
        const started = performance.now();
        const before = passed.at(-1);
        let socket: Duplex;
        if (before === undefined) {
          carrier = await reachFirst(hop, options, signal);
          socket = carrier;
        } else {
          socket = await reachThrough(before.client, before.where, hop, deadlines.tcp, signal);
          channels.push(socket);
        }
        permit.reached();
        at = 'reached';
        const { onNote, observe } = options;
        const onStage = (stage: Stage) => {
          if (!signal.aborted) options.onStage(stage);
        };
        const wanted: Ask = (question, until) => options.ask(question, AbortSignal.any([until, signal]));
        const ask = hop.password === null ? wanted : answerWith(hop.password, wanted);
        observe?.({
          step: 'reached',
          where: hop.where,
          how: reachedBy(hop, before?.where, socket),
          command: before === undefined && hop.host.proxyCommand !== null ? programOf(hop.host.proxyCommand) : null,
          took: since(started),
        });
        const judged = hop === target ? judge : undefined;
        const shaken = await shake(
          socket,
          hop,
          { deadlines, ask, spare: Math.max(1, permit.spare), onStage, onNote, judge: judged, observe },
          lingering.signal,
        );
        permit.done(null);
        at = 'in';
        signal.throwIfAborted();
        if (shaken.note !== null) options.onNote(shaken.note);
        if (hop !== target) {
          // Small answers wait in each sshd on the way.
          if (options.quicken) quicken(shaken.client, hop.where, options.onNote);
          passed.push({ client: shaken.client, where: hop.where });
          continue;
        }
        if (carrier === null) break;
        const facts = {
          remote: formatAddress(hop.host),
          route: options.route.slice(0, -1).map((host) => host.alias),
          server: shaken.server,
          hostKey: shaken.hostKey,
          strict: shaken.strict,
          detect: detectTime(keepalive),
          took: since(began),
        };
        return new Link({
          client: shaken.client,
          socket: carrier,
          channels,
          errors: shaken.errors,
          hops: passed,
          where: hop.where,
          keepalive,
          deadlines,
          quicken: options.quicken,
          facts,
          onNote: options.onNote,
        });
      } catch (error) {
        const fault = await hinted(Fault.from(error), hop.host);
        // What lingers may still fail by itself; but who was to be asked is not any more.
        const unasked = fault.code === 'NEEDS_ANSWER' || fault === signal.reason;
        const cancelled = at === 'near' || lingering.signal.aborted || unasked;
        if (at !== 'in') permit.done(signal.aborted && cancelled ? 'cancelled' : fault);
        throw fault;
      } finally {
        lingering.end();
      }
    }
    throw new Fault('INTERNAL', 'a bug in towline: a route without an end; please report it with the log');
  } catch (error) {
    carrier?.destroy();
    throw error;
  }
}

function since(time: number): number {
  return Math.round(performance.now() - time);
}

/** How a host was reached, in words. */
function reachedBy({ host }: Hop, before: string | undefined, socket: Duplex): string {
  if (before !== undefined) return `through ${before}`;
  if (host.proxyCommand !== null) return 'by its ProxyCommand';
  if (!(socket instanceof Socket)) return `over TCP at ${host.hostName}`;
  const { remoteAddress: hostName = host.hostName, remotePort: port = host.port } = socket;
  return `over TCP at ${formatAddress({ hostName, port })}`;
}

/** A name that does not resolve may be a misspelled alias. */
async function hinted(fault: Fault, host: HostConfig): Promise<Fault> {
  const near = fault.code === 'NAME_NOT_FOUND' ? await nearAlias(host) : null;
  if (near === null) return fault;
  const text = `${fault.message}; ssh_config knows "${near}", did you mean that?`;
  return new Fault('NAME_NOT_FOUND', text, { cause: fault, detail: { ...fault.detail, alias: near } });
}

function account(hop: Hop): string {
  const keys = hop.identities.map(identityName).join(',');
  return `${formatAddress(hop.host)} ${keys}`;
}
