/** How long a group has to end by itself, ms. */
const grace = 1_000;

const groups = new Set<number>();

/**
 * Takes charge of a process group, given by its leader, which this process started in a session of its own. The function that comes
 * back ends the whole group: SIGHUP as ssh does and SIGTERM, then SIGKILL. When this process exits before, it is killed at once.
 */
export function ownGroup(leader: number): () => void {
  if (groups.size === 0) process.once('exit', killAll);
  groups.add(leader);
  return () => {
    signalGroup(leader, 'SIGHUP');
    signalGroup(leader, 'SIGTERM');
    const timer = setTimeout(() => {
      signalGroup(leader, 'SIGKILL');
      groups.delete(leader);
      if (groups.size === 0) process.off('exit', killAll);
    }, grace);
    timer.unref();
  };
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
