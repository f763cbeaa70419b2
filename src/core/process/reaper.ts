import { type ChildProcess, spawn } from 'node:child_process';

/**
 * `+ PID` and `- PID` until the pipe ends, which it does however the daemon ends. Whoever is left has a second to go by itself, with all that it
 * started. A process is told by when it began, which it cannot change as it can its name (the 22nd field of proc_pid_stat(5), whose second one may
 * hold anything; ps(1) where there is no /proc): a pid that is another program's by then is left alone. Programs are started sparingly: a machine
 * that has no time is when this is needed.
 */
const script = `trap '' HUP INT TERM
began() {
  began=
  if [ -r "/proc/$1/stat" ]; then while read -r line; do began="$began$line"; done < "/proc/$1/stat"; fi 2>/dev/null
  if [ -n "$began" ]; then
    set -- \${began##*') '}
    shift 19
    began=$1
  else
    began=$(ps -o lstart= -p "$1" 2>/dev/null | tr ' ' _)
  fi
}
all=
while read -r what pid; do
  if [ "$what" = + ]; then began "$pid"; all="$all $pid:$began"; continue; fi
  rest=
  for one in $all; do [ "\${one%%:*}" = "$pid" ] || rest="$rest $one"; done
  all=$rest
done
for pause in 0.1 0.2 0.3 0.4; do
  rest=
  for one in $all; do if kill -0 "\${one%%:*}" 2>/dev/null; then rest="$rest $one"; fi; done
  all=$rest
  [ -n "$all" ] || exit 0
  sleep $pause
done
for one in $all; do
  pid=\${one%%:*}
  began "$pid"
  if [ "$one" = "$pid:$began" ]; then kill -KILL "$pid"; fi
done`;

/**
 * Ends the forked processes of a daemon that was killed: workers, and daemon sides of plugins. Each ends by itself when its channel does, but for that its event loop must run: one that
 * spins in a plugin, or is stopped, would live on with its link and its sockets. A thread in each worker that looks for its parent costs
 * 7.9 MB each (measured, Node 20), and a next daemon that reads pids from a file may never come; one shell at the end of a pipe costs
 * 0.2 MB for all of them, knows at once, and touches no byte that is forwarded. While the daemon lives its dead keep their pids until it has
 * heard of them; in the second afterwards a pid may be given away, and is looked at before it is ended.
 */
export class Reaper {
  readonly #pids = new Set<number>();
  #shell: ChildProcess | null = null;
  #gone: Promise<void> = Promise.resolve();

  /** It is to end with the daemon. */
  watch(pid: number): void {
    this.#pids.add(pid);
    if (this.#shell === null) this.#begin();
    else this.#tell(`+ ${pid}\n`);
  }

  /** It has ended. */
  forget(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell(`- ${pid}\n`);
    if (this.#pids.size > 0) return;
    // The daemon may wait for it.
    this.#shell?.ref();
    this.#shell?.stdin?.end();
    this.#shell = null;
  }

  /** Resolves when the watcher has ended, where nobody is left whom it watches; at once where somebody is. */
  ended(): Promise<void> {
    return this.#pids.size === 0 ? this.#gone : Promise.resolve();
  }

  #begin(): void {
    let shell: ChildProcess;
    try {
      // A session of its own: what a terminal sends to the daemon's whole group must not end it first.
      shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
    } catch {
      // Node throws some errors (ENOMEM among others) and tells the rest below; they mean the same here.
      return;
    }
    this.#shell = shell;
    const lost = () => {
      // Without one, workers end by themselves where they can; the next worker brings another.
      if (this.#shell === shell) this.#shell = null;
    };
    this.#gone = new Promise((resolve) => {
      shell.once('error', () => resolve()).once('exit', () => resolve());
    });
    shell.on('error', lost).on('exit', lost);
    shell.unref();
    // Where no descriptor is left there is none: Node makes no pipe, and tells 'error'.
    const { stdin } = shell;
    stdin?.on('error', lost);
    if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
    this.#tell([...this.#pids].map((pid) => `+ ${pid}\n`).join(''));
  }

  #tell(lines: string): void {
    this.#shell?.stdin?.write(lines);
  }
}
