import { Fault, printable, type RecipeToken, type RemoteHost } from '../../plugin.ts';
import { ownPorts } from './choose-port.ts';
import { isPath } from '../printed/missing-program.ts';
import type { LastLines } from './last-lines.ts';
import type { Look } from './look.ts';
import { whose } from './scripts/settle.ts';
import { withVariables } from './sh.ts';

/** Who listens on a port of the host, in words, as far as this account may see. */
export async function foreign(host: RemoteHost, port: number): Promise<string> {
  const { stdout } = await host.run(withVariables({ port: String(port) }, whose));
  const [line = ''] = stdout.split('\n');
  const [uid = '', user = '', pid = '', ...name] = line.split(' ');
  if (!/^\d+$/.test(uid)) return 'another process';
  const process = /^\d+$/.test(pid)
    ? `pid ${pid}${name.length === 0 ? '' : `, ${printable(name.join(' '))}`}`
    : 'pid unknown';
  return `a process of uid ${uid}${user === '-' ? '' : ` (${printable(user)})`}, ${process}`;
}

/** What else the script may have said. */
export function asFound(words: ReadonlyMap<string, string>): Fault {
  const said = printable([...words].flat().join(' ').trim());
  return new Fault(
    'LAUNCH_FAILED',
    `the script that starts the backend could not do its work (${said}); look at the host`,
  );
}

/** What a fault of a launch tells of it. */
export interface Told {
  readonly name: string;
  readonly lines: LastLines;
  readonly look: Look | null;
}

const logs = (name: string) => `\`towline backend logs ${name}\` shows more`;
const stop = (name: string) => `\`towline backend stop ${name}\``;

/** It ended before it was ready. `port` is the one on which it was to listen; null: nobody knows. */
export function ended({ name, lines, look }: Told, port: number | null): Fault {
  const code = look?.code ?? null;
  if (code === 0) {
    const other = look?.listeners.find((one) => one.port === port);
    const answers =
      port === null
        ? 'no process of it is left'
        : other === undefined
          ? `port ${port} does not answer`
          : `port ${port} answers, but by a process of uid ${other.uid} that it did not start here`;
    const text = `the launcher of ${name} ended with exit code 0, and ${answers}; let its command stay in the foreground; ${lines.sentence}`;
    return new Fault('LAUNCH_FAILED', text, { detail: { exit: 0 } });
  }
  const how =
    code === null
      ? 'ended'
      : signalOf(code) !== null
        ? `was ended by signal ${signalOf(code)}`
        : `ended with exit code ${code}`;
  const todo = code === 127 ? `${notFound(lines.missing)}; ` : '';
  return new Fault(
    'LAUNCH_FAILED',
    `the backend ${name} ${how} before it was ready; ${lines.sentence}; ${todo}${logs(name)}`,
    {
      detail: code === null ? {} : { exit: code },
    },
  );
}

/** 127 is how a shell ends that did not find a program (POSIX, 2.8.2). */
function notFound(program: string | null): string {
  if (program !== null && isPath(program))
    return `there is no file ${program} on that host, or not the interpreter that its first line names; correct the command`;
  const what =
    program === null ? 'the shell did not find a program of its command' : `the shell did not find ${program}`;
  return `${what}: "shell": "login" reads the startup files that may set its PATH, or write its whole path`;
}

/** The process that was started is gone, others of it are left, and none of them listens. */
export function orphaned({ name, lines, look }: Told): Fault {
  const left = (look?.processes ?? []).slice(0, 5).map(({ pid, name: what }) => `pid ${pid} ${printable(what)}`);
  const text = `the backend ${name} is gone, but processes of it are left (${left.join(', ')}) and none of them listens; look at them, ${stop(name)} ends them; ${lines.sentence}`;
  return new Fault('LAUNCH_FAILED', text);
}

/** What a backend that comes up is waited for. `port` is the one on which it is to listen; null: nobody knows. */
export function lacking(look: Look | null, port: number | null, token: boolean): string {
  const open = look === null ? [] : ownPorts(look);
  if (port === null ? open.length === 0 : !open.includes(port))
    return `its backend does not listen${port === null ? '' : ` on port ${port}`} yet`;
  if (port === null && open.length > 1)
    return `its backend listens on ${open.join(', ')}, and nothing says which is the one`;
  return token ? 'its backend has not printed its token yet' : 'its backend is looked at';
}

/** It listens, and nothing that it printed is its token. */
export function tokenless({ name, lines }: Told, time: number, { token, key }: PrintedToken): Fault {
  const seconds = `${Math.round(time / 1000)} s`;
  const where = 'on standard output or standard error';
  const missed =
    'json' in token
      ? `no line that it printed in ${seconds}, ${where}, is JSON with a token at "${printable(token.json)}"`
      : `nothing that it printed in ${seconds}, ${where}, matches the token pattern /${printable(token.pattern)}/`;
  const text = lines.any
    ? `the backend ${name} listens, but ${missed}; ${lines.sentence}; correct ${key} in the options of "launch", or raise "deadline" if it prints its token later; ${logs(name)}`
    : `the backend ${name} listens, but has printed nothing in ${seconds}, so that ${key} in the options of "launch" finds no token; let it print its token ${where}, and at once, or correct that option`;
  return new Fault('LAUNCH_TIMEOUT', text);
}

/** How a backend prints its token, and where in the config that is said. */
export interface PrintedToken {
  readonly token: RecipeToken & { readonly from: 'output' };
  readonly key: string;
}

/** It is there, and does not listen where it should. */
export function late({ name, lines, look }: Told, time: number, port: number | null): Fault {
  const own = look?.listeners.filter((one) => one.own).map((one) => one.port) ?? [];
  const what =
    own.length > 1
      ? `it listens on ${own.join(', ')}, and nothing says which is the one`
      : port === null
        ? 'no port of it opened'
        : `nothing of it listens on port ${port}`;
  const text = `the backend ${name} was not ready: ${what} in ${Math.round(time / 1000)} s; ${lines.sentence}; raise "deadline", or ${logs(name)}`;
  return new Fault('LAUNCH_TIMEOUT', text);
}

/** Somebody else listens where it should. */
export async function squatted({ name }: Pick<Told, 'name'>, host: RemoteHost, port: number): Promise<Fault> {
  const owner = await foreign(host, port);
  const text = `port ${port} on ${host.facts.remote} belongs to ${owner}, not to the backend ${name}; look at who listens there, or let the backend choose its port`;
  return new Fault('BACKEND_FOREIGN', text, { detail: { port } });
}

/** The signal that a shell's exit code tells of; programs have codes of their own above them (npm: 254). Null: none. */
function signalOf(code: number): number | null {
  return code > 128 && code <= 128 + 64 ? code - 128 : null;
}
