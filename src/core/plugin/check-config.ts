import type { Builtins } from '../model/builtin.ts';
import type { Config, PluginUse } from '../model/config.ts';
import { Fault, type FaultReport } from '../model/fault.ts';
import { hooks } from '../model/hooks.ts';
import { Turnstile } from '../model/turnstile.ts';
import type { Reaper } from '../process/reaper.ts';
import { DaemonSide } from './daemon-side/daemon-side.ts';

/** What came of one relay's plugin. */
export interface GuestCheck {
  readonly relay: string;
  /** `refused`: its `check` does not accept the config. `failed`: it cannot be loaded, or its factory fails; then its relay is blocked, no other. */
  readonly kind: 'refused' | 'failed';
  /** Where the config has it: `/path/towline.json:12:9 relays.web.plugins[0]`; null: nobody knows. */
  readonly place: string | null;
  readonly fault: Fault;
}

/** A plugin of a relay. */
interface Using {
  readonly relay: string;
  readonly use: PluginUse;
}

/** How plugins are asked. */
export interface Asking {
  readonly builtins: Builtins;
  /** Ends the process of a plugin should this one be killed. */
  readonly reaper: Reaper;
  /** How long a module may take, ms; one that takes longer is not asked, and its relay waits for it in its own worker. */
  readonly loading: number;
  /** Whether the factories of their relay sides are called too; what those return is given up. */
  readonly trial: boolean;
}

/** Two cores load so many at once. */
const atOnce = 2;
/** A plugin that never yields is ended so much after its deadline, ms. */
const grace = 500;

/** Loads every plugin of a config, each in a process that ends afterwards, and asks its `check`. Never rejects. */
export function checkByGuests(config: Config, asking: Asking): Promise<readonly GuestCheck[]> {
  const using = config.relays.flatMap(({ name, plugins }) => plugins.map((use) => ({ relay: name, use })));
  return checkUses(using, config, asking);
}

/** As `checkByGuests` for some plugins; without a config (null) they are loaded, take their options, and are asked nothing. */
export async function checkUses(
  all: readonly Using[],
  config: Config | null,
  asking: Asking,
): Promise<readonly GuestCheck[]> {
  const turnstile = new Turnstile(atOnce);
  const byModule = new Map<string, Using[]>();
  for (const using of all) {
    const key = JSON.stringify([using.use.use, using.use.from]);
    byModule.set(key, [...(byModule.get(key) ?? []), using]);
  }
  const checks = [...byModule.values()].map(async (using) => {
    const leave = await new Promise<() => void>((resolve) => turnstile.enter(resolve));
    return checkOne(using, config, asking).finally(leave);
  });
  return (await Promise.all(checks)).flat();
}

async function checkOne(
  using: readonly Using[],
  config: Config | null,
  { builtins, reaper, loading, trial }: Asking,
): Promise<readonly GuestCheck[]> {
  const [first] = using;
  if (first === undefined) return [];
  const found: GuestCheck[] = [];
  const silent = () => undefined;
  const side = new DaemonSide(first.use, builtins, reaper, { failed: silent, said: silent, ended: silent });
  try {
    await within(loading, side.loaded, () => side.kill(`did not load within ${loading / 1000} s`));
    for (const { relay, use } of using) {
      const place = use.place ?? null;
      const limit = use.deadlines.check ?? hooks.check.deadline;
      const unseated = await within(limit + grace, trial ? side.try(relay, use) : side.seat(relay, use), () =>
        side.kill(`was not made within ${limit / 1000} s`),
      );
      if (unseated !== null) {
        found.push({ relay, kind: 'failed', place, fault: Fault.fromReport(unseated) });
        continue;
      }
      if (config !== null) {
        const refused = await within(limit + grace, side.check(config), () =>
          side.kill(`gave no answer to check within ${limit / 1000} s`),
        );
        if (refused !== null) found.push({ relay, kind: 'refused', place, fault: refusal(refused) });
      }
      await within(limit + grace, side.unseat(), () => side.kill('did not clean up'));
    }
  } finally {
    await side.dismiss();
  }
  return found;
}

/** A process that ended while it was asked has not accepted anything. */
function refusal(report: FaultReport): Fault {
  if (report.code === 'CONFIG_INVALID') return Fault.fromReport(report);
  return new Fault('CONFIG_INVALID', `the config is refused: ${report.message}`, { detail: report.detail });
}

async function within<T>(ms: number, work: Promise<T>, late: () => void): Promise<T> {
  const timer = setTimeout(late, ms);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
