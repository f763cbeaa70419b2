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

/**
 * Takes charge of a process group, given by its leader, which this process started in a session of its own. When this process exits
 * before, the group is killed at once.
 */
export function ownGroup(leader: number): OwnGroup {
  if (groups.size === 0) process.once('exit', killAll);
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
  if (groups.size === 0) process.off('exit', killAll);
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
