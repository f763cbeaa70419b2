import { shellWord } from '../core/model/shell-word.ts';
import type { RemoteBackend } from '../plugins/launch/manage.ts';

/** A config that a running daemon has, and the folders of its backends. */
export interface OtherConfig {
  readonly file: string;
  readonly folders: ReadonlySet<string>;
}

/** How a launched backend is doing: `pid 4711, port 29999, since 2026-11-28 10:02`, or how it ended. */
export function runText(one: RemoteBackend): string {
  if (one.run === null) return absentText(one);
  const port = one.port === null ? '' : `, port ${one.port}`;
  const since = one.started === null ? '' : `, ${one.state === 'live' ? 'since' : 'started'} ${day(one.started)}`;
  const others = one.processes.length > 1 ? `, ${one.processes.length} processes` : '';
  const stopped = one.stopped ? ', stopped by `towline backend stop`' : '';
  // The process that started it may be gone where it lives.
  const first = one.pid !== null && one.processes.includes(one.pid) ? one.pid : (one.processes[0] ?? one.pid);
  const pid = one.state === 'live' && first !== null ? `pid ${first}` : endText(one);
  const short = one.lifetime === 'session' ? ', ends with its link' : '';
  return `${pid}${port}${since}${others}${short}${stopped}`;
}

/** What to do about a backend that no relay of the config has. */
export function strangeText(
  { name, state, run }: Pick<RemoteBackend, 'name' | 'state' | 'run'>,
  { host, running }: { readonly host: string; readonly running: OtherConfig | null },
): string {
  if (running?.folders.has(name) === true)
    return `not in this config, but in the one that the running daemon has, ${running.file}`;
  const verb = state === 'live' ? 'stop' : 'reap';
  const does = state === 'live' ? 'ends it' : 'clears it away';
  return `not in the config${run === null ? '' : `: \`${backendCommand(verb, name, host)}\` ${does}`}`;
}

/** A command that finds a backend whatever the config has. */
export function backendCommand(verb: 'stop' | 'reap', name: string, host: string): string {
  return `towline backend ${verb} ${shellWord(name)} --host ${shellWord(host)}`;
}

/** Nothing of it is there any more, or never was. */
function absentText({ reaped, stopped }: RemoteBackend): string {
  const asked = '`towline restart` of its relay starts it again';
  if (reaped && stopped)
    return `stopped by \`towline backend stop\`, then cleared away by \`towline backend reap\`; ${asked}`;
  if (reaped) return 'cleared away by `towline backend reap`; its relay starts a new one when it comes up';
  return stopped ? `never started, and stopped by \`towline backend stop\`; ${asked}` : 'never started';
}

function endText({ state, processes, exit }: RemoteBackend): string {
  const code = exit === null ? '' : ` (exit code ${exit})`;
  return state === 'left' ? `ended${code}, but the processes ${processes.join(', ')} are left` : `ended${code}`;
}

function day(at: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
