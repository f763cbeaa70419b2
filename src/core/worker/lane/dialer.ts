import { homedir, userInfo } from 'node:os';
import type { Stage } from '../../model/state.ts';
import type { Guests } from '../../plugin/guests.ts';
import { filesToWatch } from '../../plugin/locate.ts';
import type { ToWorker } from '../../protocol.ts';
import type { HostConfig } from '../../ssh/resolve/host-config.ts';
import { openLink } from '../../ssh/open-link.ts';
import { programPlaces } from '../../ssh/proxy-program.ts';
import { resolveRoute, routeKey } from '../../ssh/route.ts';
import { type Stamps, stampFiles } from './file-watch.ts';
import type { Lease, Links } from './links.ts';
import type { PermitRequests } from '../permit-requests.ts';
import type { QuestionRequests } from '../question-requests.ts';

/** What dialing needs of its process and its lane. */
export interface DialerPorts {
  readonly links: Links;
  readonly permits: PermitRequests;
  readonly questions: QuestionRequests;
  /** Loads the plugins, once. */
  readonly seat: () => Promise<void>;
  /** The plugins, once they are loaded. */
  readonly guests: Pick<Guests, 'hasIdentify' | 'identify' | 'broken'>;
  readonly stage: (stage: Stage) => void;
  /** A sentence about something that was passed over. */
  readonly note: (text: string) => void;
  /** A sentence for the log: all is well. */
  readonly inform: (text: string) => void;
}

/** A login that is not wanted any more is ended politely where the host has heard of it, if it takes no longer, ms. */
const linger = 5_000;

/** Makes a lane's links. Everything on disk is read anew for each attempt, so that a mended file counts at once. */
export class Dialer {
  readonly #open: Extract<ToWorker, { say: 'open' }>;
  readonly #ports: DialerPorts;
  #stamps: Stamps = { files: [], agents: [], at: '' };
  #key: string;

  constructor(open: Extract<ToWorker, { say: 'open' }>, ports: DialerPorts) {
    this.#open = open;
    this.#ports = ports;
    this.#key = open.lane;
  }

  /** Every file whose change may let the next attempt succeed, as it was before the last one read it. */
  get stamps(): Stamps {
    return this.#stamps;
  }

  /** A number in [0, 1): the same for all lanes that share a link, so that they try again as one. */
  get jitter(): number {
    return this.#ports.links.jitter(this.#key);
  }

  /** The files as they are now are what is tried next with: only a later change may let that succeed. */
  async restamp(): Promise<void> {
    this.#stamps = await stampFiles(this.#stamps.files);
  }

  /** Resolves the route and opens, or joins, its link. Rejects with the Fault of the attempt. */
  async dial(forced: boolean, signal: AbortSignal): Promise<Lease> {
    const { relay, sshConfig, lane, env } = this.#open;
    const { links, permits, questions, seat, guests, stage, note, inform } = this.#ports;
    const plugins = relay.plugins.flatMap(filesToWatch);
    this.#stamps = await stampFiles(plugins);
    await seat();
    const [home, localUser] = [homedir(), userInfo().username];
    const configs = sshConfig === null ? [`${home}/.ssh/config`, '/etc/ssh/ssh_config'] : [sshConfig];
    this.#stamps = await stampFiles([...plugins, ...configs]);
    const route = await resolveRoute(relay.host, { sshConfig, home, localUser, env });
    const agents = route.flatMap((host) => (host.agent === null ? [] : [host.agent]));
    const programs = route.flatMap(({ proxyCommand }) =>
      proxyCommand === null ? [] : programPlaces(proxyCommand, env, env['HOME'] ?? '/'),
    );
    const files = [...new Set([...plugins, ...programs, ...route.flatMap(filesOf)])];
    this.#stamps = await stampFiles(files);
    // An agent that is mute takes its time to be found so: beside the attempt, not before it.
    const stamping = stampFiles(files, [...new Set(agents)], signal);
    for (const warning of new Set(route.flatMap((host) => host.warnings))) note(warning);
    signal.throwIfAborted();
    const { keepalive, deadlines, quicken } = relay;
    // Who shares a link shares its settings: other settings are another link, and so is a login that a plugin knows.
    const shared = relay.isolation === 'shared' && !guests.hasIdentify;
    this.#key = shared ? JSON.stringify([routeKey(route), keepalive, deadlines, quicken]) : lane;
    const open = (aborted: AbortSignal) =>
      openLink({
        route,
        keepalive,
        deadlines,
        quicken,
        env,
        permit: (host, account, until) => permits.ask({ by: lane, host, account, forced }, until),
        ask: (question, until) => questions.ask(lane, question, until),
        identify: guests.hasIdentify ? (host) => guests.identify(host) : null,
        onNote: note,
        onStage: stage,
        observe: (step) => {
          if (step.step !== 'reached' || step.command === null) return;
          inform(`${step.where} is reached by its ProxyCommand: ${step.command}`);
        },
        signal: aborted,
        linger,
      });
    try {
      const lease = await links.acquire(this.#key, open, signal);
      if (guests.broken === null) return lease;
      lease.release();
      throw guests.broken;
    } catch (error) {
      // One that is not wanted any more may end long after the next one has begun.
      if (!signal.aborted) this.#stamps = await stamping;
      throw error;
    }
  }
}

function filesOf(host: HostConfig): readonly string[] {
  const keys = [...host.identityFiles, ...host.identityFiles.map((file) => `${file}-cert`), ...host.certificateFiles];
  const revoked = host.revokedHostKeys === null ? [] : [host.revokedHostKeys];
  return [...host.files, ...keys, ...keys.map((file) => `${file}.pub`), ...host.knownHostsFiles, ...revoked];
}
