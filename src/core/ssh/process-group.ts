/** How long a group has to end by itself, ms. */
const grace = 1_000;

const groups = new Set<number>();

/** A process group that this process answers for. */
export interface OwnGroup {
  /** Ends the whole group: SIGHUP as ssh does and SIGTERM, then SIGKILL. */
  end(): void;
  /** Its leader has done its work: what it left behind in the background is left alone. */
  release(): void;
}

const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Takes charge of a process group, given by its leader, which this process started in a session of its own. When this process exits
 * before, or a signal ends it, the group is killed at once.
 */
export function ownGroup(leader: number): OwnGroup {
  if (groups.size === 0) {
    process.once('exit', killAll);
    for (const signal of deadly) process.on(signal, die);
  }
  groups.add(leader);
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
  if (groups.size > 0) return;
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
