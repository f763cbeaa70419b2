import { defaultDeadlines, type RelayConfig } from '../core/model/config.ts';
import type { Ask } from '../core/model/question.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { freePermit, openLink } from '../core/ssh/open-link.ts';
import { resolveRoute } from '../core/ssh/route.ts';
import { resolveOptions } from './resolve-options.ts';

/** What a link of this command's own is opened with. */
export interface OwnLinkOptions {
  readonly sshConfig: string | null;
  /** Its keepalive and deadlines count; null: the usual ones. */
  readonly relay: Pick<RelayConfig, 'keepalive' | 'deadlines'> | null;
  readonly ask: Ask;
  readonly onNote: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Connects to a host as a relay would, beside the daemon. Rejects with the fault of the hop that fails. */
export async function openOwnLink(host: string, options: OwnLinkOptions): Promise<Link> {
  const { sshConfig, relay, ask, onNote, signal } = options;
  const resolving = resolveOptions(sshConfig);
  return openLink({
    route: await resolveRoute(host, resolving),
    keepalive: relay?.keepalive ?? null,
    deadlines: relay?.deadlines ?? defaultDeadlines,
    quicken: false,
    env: resolving.env,
    permit: async () => freePermit,
    ask,
    onStage: () => undefined,
    onNote,
    signal,
  });
}
