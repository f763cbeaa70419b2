import { isDeepStrictEqual } from 'node:util';
import type { Config, RelayConfig } from '../core/model/config.ts';
import type { Endpoint } from '../core/model/endpoint.ts';
import type { DaemonStatus, RelayStatus } from '../core/model/status.ts';
import { isSame } from './config-place.ts';
import { connect } from './connect.ts';
import { type Finding, mind } from './finding.ts';
import { holderOf } from './own-listener.ts';

/** How the running daemon stands to the config that is looked at: what it knows of another relay is nothing about this one. */
export interface DaemonView {
  /** Which config is looked at, where that is not what the daemon runs; null: it is, or none runs. */
  readonly note: string | null;
  /** Whether the daemon may be asked about this relay: it runs it as it stands here. */
  knows(relay: RelayConfig): boolean;
  /** That it has this relay otherwise, and what to do; none where it has no such relay. */
  otherwise(relay: RelayConfig): readonly Finding[];
  /** For which relay it listens at an address; null: it does not. */
  holder(listen: Endpoint): string | null;
}

/** Asks the running daemon, if one runs. Never rejects. */
export async function viewDaemon(config: Config | null): Promise<DaemonView> {
  const status = await connect()
    .status()
    .catch(() => null);
  if (status === null || config === null)
    return { note: null, knows: () => true, otherwise: () => [], holder: () => null };
  const { note, fix, differs } = compare(config, status);
  const of = ({ name }: RelayConfig) => status.relays.find((one) => one.name === name);
  return {
    note,
    knows: (relay) => !differs(relay.name) && isLike(relay, of(relay)),
    otherwise: (relay) => {
      if (of(relay) === undefined) return [];
      const text =
        'the running daemon has this relay otherwise than the config that is looked at: what it knows is not told';
      return [mind('daemon', '', text, fix)];
    },
    holder: (listen) => holderOf(status.relays, listen),
  };
}

interface Comparison {
  readonly note: string | null;
  readonly fix: string;
  readonly differs: (name: string) => boolean;
}

function compare({ file }: Config, { config, pid, pending }: DaemonStatus): Comparison {
  const reload = '`towline reload` has the daemon take the file over';
  if (!isSame(config, file)) {
    const note = `${file} is looked at; the running daemon (pid ${pid}) has another config, ${config}, and what it knows is left out`;
    return { note, fix: `add \`--config ${config}\` to look at the one that it runs`, differs: () => true };
  }
  if (pending === null) return { note: null, fix: reload, differs: () => false };
  const now = `${file} is looked at as it stands now; the running daemon (pid ${pid})`;
  if (pending.fault !== null) {
    const note = `${now} could not take it over, and what it knows is left out: ${pending.fault.message}`;
    return { note, fix: 'see `towline check`', differs: () => true };
  }
  const names = [...pending.added, ...pending.changed, ...pending.removed];
  const note = `${now} has not taken over what changed of ${names.join(', ')}, and what it knows of that is left out`;
  return { note, fix: reload, differs: (name) => names.includes(name) };
}

/** The daemon looks at its file once a second: what was written since is not in `pending` yet. */
function isLike({ host, lanes, forwards }: RelayConfig, status: RelayStatus | undefined): boolean {
  if (status === undefined) return true;
  const ends = (all: RelayConfig['forwards'] | RelayStatus['forwards']) =>
    all.map(({ kind, target }) => [kind, target]);
  return (
    host === status.host && lanes === status.lanes.length && isDeepStrictEqual(ends(forwards), ends(status.forwards))
  );
}
