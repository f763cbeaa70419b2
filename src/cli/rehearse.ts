import { type Config, listensHere, type RelayConfig } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import type { FaultCode } from '../core/model/fault-table.ts';
import { timeoutSignal } from '../core/model/timeout-signal.ts';
import { type Asking, checkByGuests, type GuestCheck } from '../core/plugin/check-config.ts';
import { Reaper } from '../core/process/reaper.ts';
import { trustCommand } from '../core/ssh/known-hosts/host-key-faults.ts';
import { type Hop, prepareHops, resolveRoute } from '../core/ssh/route.ts';
import { builtins } from '../builtins.ts';
import { resolveOptions } from './resolve-options.ts';
import { tryListen } from './try-listen.ts';

/** What a relay would meet before it sends one byte. */
export interface Rehearsed {
  readonly relay: string;
  /** The first of `faults`. */
  readonly fault: Fault | null;
  /** All that it would fail with, in the order in which it would meet them. */
  readonly faults: readonly Fault[];
  /** What is wrong with its plugins, of these. */
  readonly guests: readonly GuestCheck[];
  /** What it would do without. */
  readonly warnings: readonly string[];
}

/** How long a plugin may take to load, ms; so long a relay waits for it too. */
const loading = 10_000;

/** How `check` asks plugins. */
export function asking(): Asking {
  return { builtins, reaper: new Reaper(), loading, trial: true };
}

/**
 * Goes through all that a relay needs from this machine: ssh_config, known_hosts, keys and agent, plugins, addresses to listen on. Nothing
 * is sent anywhere; plugins are loaded and asked whether they accept the config, in processes that end afterwards. An address that is in use
 * is a fault as in `up --exit-on-failure`, though a daemon would wait for it; only what our own daemon has is well.
 */
export async function rehearse(config: Config): Promise<readonly Rehearsed[]> {
  const { relays, sshConfig } = config;
  const checks = await checkByGuests(config, asking());
  return Promise.all(
    relays.map(async (relay): Promise<Rehearsed> => {
      const warnings = secretsIn(relay);
      const faults: Fault[] = [];
      const attempt = (deed: Promise<void>) => deed.catch((error: unknown) => void faults.push(Fault.from(error)));
      await attempt(reachHost(relay, sshConfig, warnings));
      const guests = checks.filter((one) => one.relay === relay.name);
      faults.push(...guests.map(({ fault }) => fault));
      for (const { listen } of relay.forwards.filter(listensHere)) await attempt(tryListen(listen));
      return { relay: relay.name, fault: faults[0] ?? null, faults, guests, warnings };
    }),
  );
}

async function reachHost(relay: RelayConfig, sshConfig: string | null, warnings: string[]): Promise<void> {
  const route = await resolveRoute(relay.host, resolveOptions(sshConfig));
  warnings.push(...route.flatMap((host) => host.warnings));
  try {
    const hops = await prepareHops(route, timeoutSignal(10_000));
    warnings.push(...hops.flatMap((hop) => hop.notes), ...hops.filter(isUnmet).map(unmet));
  } catch (error) {
    const fault = Fault.from(error);
    const [other] = relay.plugins.filter(({ use }) => !Object.hasOwn(builtins, use));
    // Such a plugin may ask somebody for what it gives, which is no work of this command.
    if (!lacking.has(fault.code) || other === undefined) throw fault;
    warnings.push(`${fault.message}; the plugin ${other.use} may know how to log in: \`towline doctor\` asks it`);
  }
}

/** Whether no key of it is known, and none will be taken without being asked. */
function isUnmet({ host, knownHosts, knownAs, knownPort }: Hop): boolean {
  return host.hostKeyChecking !== 'accept-new' && knownHosts.keyTypes(knownAs, knownPort).length === 0;
}

function unmet(hop: Hop): string {
  return `no host key of ${hop.where} is known here; \`${trustCommand(hop)}\` shows it and asks`;
}

/** What a host without any identity of its own comes to. */
const lacking: ReadonlySet<FaultCode> = new Set(['NEEDS_ANSWER', 'AGENT_UNREACHABLE', 'IDENTITY_UNREADABLE']);

/** What looks like a secret in the options of its plugins: a config is shown, copied and committed. */
function secretsIn({ plugins }: RelayConfig): string[] {
  return plugins.flatMap(({ options }) => {
    const { env, command } = options;
    const set = typeof env === 'object' && env !== null ? Object.entries(env).filter(([, value]) => value !== '') : [];
    const said =
      typeof command === 'string' ? [...command.matchAll(/\b(\w+)=['"]?(?=\w)/g)].map(([, name = '']) => name) : [];
    return [...set.map(([name]) => name), ...said]
      .filter((name) => /(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY)$/i.test(name))
      .map(
        (name) =>
          `${name} looks like a secret, for which a config is no place; let its command read it from a file there`,
      );
  });
}
