/** How long a group has to end by itself, ms. */
const grace = 1_000;

const groups = new Set<number>();
let listening = false;

/** A process group that this process answers for. */
export interface OwnGroup {
  /** Ends the whole group: SIGHUP as ssh does and SIGTERM, then SIGKILL. */
  end(): void;
  /** Its leader has done its work: what it left behind in the background is left alone. */
  release(): void;
}

const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Starts a process in a session of its own by `start`, and takes charge of its group. When this process exits before, or a signal ends it,
 * the group is killed at once. No group: there is no process.
 */
export function ownGroup<Child extends { readonly pid?: number | undefined }>(
  start: () => Child,
): { readonly child: Child; readonly group: OwnGroup | null } {
  // Before it starts: a signal that comes while it does would leave it behind.
  listen();
  try {
    const child = start();
    if (child.pid === undefined) return { child, group: null };
    groups.add(child.pid);
    return { child, group: groupOf(child.pid) };
  } finally {
    unlisten();
  }
}

function groupOf(leader: number): OwnGroup {
  return {
    end: () => {
      signalGroup(leader, 'SIGHUP');
      signalGroup(leader, 'SIGTERM');
      const timer = setTimeout(() => {
        signalGroup(leader, 'SIGKILL');
        release(leader);
      }, grace);
      timer.unref();
    },
    release: () => release(leader),
  };
}

function release(leader: number): void {
  groups.delete(leader);
  unlisten();
}

function listen(): void {
  if (listening) return;
  listening = true;
  process.once('exit', killAll);
  for (const signal of deadly) process.on(signal, die);
}

/** Unless a group is left. */
function unlisten(): void {
  if (!listening || groups.size > 0) return;
  listening = false;
  process.off('exit', killAll);
  for (const signal of deadly) process.off(signal, die);
}

/** A signal that nobody else handles ends the process as if we did not listen: a terminal's Ctrl-C does not reach the group. */
function die(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  process.off(signal, die);
  process.kill(process.pid, signal);
}

function killAll(): void {
  for (const leader of groups) signalGroup(leader, 'SIGKILL');
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it, or it is another user's by now (sudo): then its pipes' end has to do.
  }
}
