import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { listAgentKeys } from '../../ssh/identity/agent.ts';

/** How often what a blocked lane waits for is looked at. Polling sees renames, mounts and sockets alike. */
const period = 2_000;

/** How files, and the keys of agents, stood at one moment. */
export interface Stamps {
  readonly files: readonly string[];
  /** Sockets of ssh-agents: which keys they hold is what counts. */
  readonly agents: readonly string[];
  readonly at: string;
}

/** Looks at files and agents before they are read: a change while they are read, or after, is a change. */
export async function stampFiles(
  files: readonly string[],
  agents: readonly string[] = [],
  signal: AbortSignal = new AbortController().signal,
): Promise<Stamps> {
  const marks = await Promise.all([...files.map(stamp), ...agents.map((socket) => stampAgent(socket, signal))]);
  return { files, agents, at: marks.join('|') };
}

/** Calls back once when one of them differs from its stamp. Returns the stop. */
export function watchFiles(before: Stamps, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const now = await stampFiles(before.files, before.agents);
    if (stopped) return;
    if (now.at !== before.at) return changed();
    timer = setTimeout(() => void look(), period);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function stamp(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    // Absent or unreadable is a state like any other: its change counts.
    return 'absent';
  }
}

async function stampAgent(socket: string, signal: AbortSignal): Promise<string> {
  try {
    const keys = await listAgentKeys(socket, signal);
    return createHash('sha256')
      .update(keys.map(({ blob }) => blob.toString('base64')).join(' '))
      .digest('hex');
  } catch {
    // An agent that is silent or gone may come back.
    return 'silent';
  }
}
