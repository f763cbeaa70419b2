import { Fault } from '../core/model/fault.ts';
import { faults } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import type { RemoteHost } from '../core/model/remote.ts';
import {
  type BackendEnd,
  endBackend,
  listBackends,
  readBackendLog,
  reapBackend,
  type RemoteBackend,
} from '../plugins/launch/manage.ts';
import { type OtherConfig, runText, strangeText } from './backend-text.ts';
import { canAsk, openDialogue } from './dialogue.ts';
import { paint, type Terminal, type Tone } from './terminal.ts';
import { foldLines } from './wrap-text.ts';

/** On which host, and which backends of it; null: all. */
export interface BackendPlace {
  readonly host: string;
  readonly names: readonly string[] | null;
  /** What the config says of the launches there, by name. */
  readonly launches: ReadonlyMap<string, unknown>;
  /** Every backend of the config, on whatever host: one host may have several names. */
  readonly configured: ReadonlySet<string>;
  /** Those of another config, which the running daemon has; null: it has this one, or none runs. */
  readonly running: OtherConfig | null;
}

export interface DeedOptions {
  readonly json: boolean;
  /** Do not ask. */
  readonly sure: boolean;
  /** Of each log. */
  readonly lines: number;
  readonly terminal: Terminal;
}

/** What `--json` prints of one backend. */
export type BackendAnswer = Readonly<Record<string, unknown>> & { readonly host: string; readonly name: string };

/** What one verb does on one host. */
export type BackendDeed = (
  host: RemoteHost,
  place: BackendPlace,
  options: DeedOptions,
) => Promise<readonly BackendAnswer[]>;

/** The verbs of `towline backend`. */
export const deeds: Readonly<Record<string, BackendDeed>> = { ps, stop, logs, reap };

async function there(host: RemoteHost, { names }: BackendPlace): Promise<readonly RemoteBackend[]> {
  const all = await listBackends(host, names?.length === 1 ? names[0] : null);
  return all.filter(({ name }) => names === null || names.includes(name));
}

async function ps(host: RemoteHost, place: BackendPlace, { json, terminal }: DeedOptions): ReturnType<BackendDeed> {
  const isOurs = ({ name }: RemoteBackend) => place.configured.has(name);
  const all = await there(host, place);
  // What was removed is not listed for ever. Its log is there as long as its folder, by its name.
  const found = all.filter((one) => place.names !== null || one.state !== 'dead' || isOurs(one));
  const { colour } = terminal;
  if (!json) {
    terminal.out(`${paint(`${place.host} (${host.facts.remote})`, 'strong', colour)}\n`);
    if (found.length === 0) terminal.say('  no backend of the config was launched there, and no other one runs');
  }
  for (const one of json ? [] : found) {
    const strange = isOurs(one) ? '' : `; ${strangeText(one, place)}`;
    const text = foldLines(`  ${one.name}: ${runText(one)}${strange}`, terminal.room);
    terminal.out(`  ${paint(one.name, toneOf(one), colour)}${text.slice(2 + one.name.length)}\n`);
    // A command is there to be copied: the terminal breaks it without putting anything in between.
    if (one.command !== null) terminal.out(`    ${paint(one.command.trim(), 'quiet', colour)}\n`);
  }
  const where = place.launches.size === 0 ? ` --host ${place.host}` : '';
  const hidden = all.filter((one) => one.run !== null && !found.includes(one)).length;
  if (!json && hidden > 0)
    terminal.say(
      `  and ${hidden} that ended, of no relay here: \`towline backend reap${where}\` clears their logs and tokens away`,
    );
  return found.map((one) => ({ host: place.host, ...one, configured: isOurs(one) }));
}

async function stop(host: RemoteHost, place: BackendPlace, options: DeedOptions): ReturnType<BackendDeed> {
  const found = (await there(host, place)).filter(({ state }) => place.names !== null || state !== 'dead');
  const names = place.names ?? found.map(({ name }) => name);
  if (place.names === null && !(await agreed(`Stop ${list(names)} on ${place.host}?`, names, 'ended', options)))
    return [];
  return each(host, place, names, options, 'ended', (name) => endBackend(host, name, { forGood: true }));
}

async function reap(host: RemoteHost, place: BackendPlace, options: DeedOptions): ReturnType<BackendDeed> {
  const dead = (await there(host, place)).filter(({ state, run }) => state !== 'live' && run !== null);
  const names = dead.map(({ name }) => name);
  const left = dead.flatMap(({ processes }) => processes);
  const also = left.length === 0 ? '' : ` and end the processes ${left.join(', ')}`;
  if (names.length === 0 && !options.json) options.terminal.out(`${place.host}: nothing is left of dead backends\n`);
  if (
    !(await agreed(
      `Clear the logs and tokens of ${list(names)} away on ${place.host}${also}?`,
      names,
      'cleared away',
      options,
    ))
  )
    return [];
  return each(host, place, names, options, 'cleared away', (name) => reapBackend(host, name));
}

async function logs(host: RemoteHost, place: BackendPlace, options: DeedOptions): ReturnType<BackendDeed> {
  const { json, terminal, lines } = options;
  const names = place.names ?? (await there(host, place)).map(({ name }) => name);
  const answers: BackendAnswer[] = [];
  for (const name of names) {
    const text = await readBackendLog(host, name, { options: place.launches.get(name) });
    if (text === null && place.names !== null) {
      throw new Fault(
        'USAGE',
        `no backend ${name} was ever launched on ${place.host}; \`towline backend ps\` shows those that were`,
      );
    }
    const last = (text ?? '').replace(/\n$/, '').split('\n').slice(-lines);
    if (json) answers.push({ host: place.host, name, lines: last });
    else {
      if (names.length > 1) terminal.out(`${paint(`${name} on ${place.host}`, 'strong', terminal.colour)}\n`);
      // What a backend printed was never meant for this terminal.
      for (const line of last) terminal.out(`${printable(line.replace(/\r$/, ''))}\n`);
    }
  }
  return answers;
}

async function each(
  host: RemoteHost,
  place: BackendPlace,
  names: readonly string[],
  { json, terminal }: DeedOptions,
  done: string,
  act: (name: string) => Promise<BackendEnd>,
): ReturnType<BackendDeed> {
  const answers: BackendAnswer[] = [];
  for (const name of names) {
    const end = await act(name);
    answers.push({ host: place.host, name, ...end });
    if (!json) terminal.out(`${name} on ${place.host} (${host.facts.remote}): ${endText(end, done)}\n`);
  }
  return answers;
}

function endText({ was, left, cleared }: BackendEnd, done: string): string {
  if (left.length > 0) return `these processes outlived SIGKILL: ${left.join(', ')}; look at them there`;
  if (was === 'none') return 'nothing of it runs';
  if (was === 'alive') return 'it lives, and was left alone';
  return cleared.length > 0 ? `${done}, with the processes ${cleared.join(', ')}` : done;
}

/** Nothing is asked where there is nothing to do. */
async function agreed(
  question: string,
  names: readonly string[],
  done: string,
  { sure, json, terminal }: DeedOptions,
): Promise<boolean> {
  if (names.length === 0) return false;
  if (sure) return true;
  if (json || !canAsk(terminal))
    throw new Fault('USAGE', 'backend asks before it ends several, and there is nobody to ask; add --yes');
  const dialogue = openDialogue(terminal);
  try {
    if ((await dialogue.confirm(question)) === true) return true;
    terminal.out(`nothing was ${done}\n`);
    return false;
  } finally {
    dialogue.close();
  }
}

function toneOf({ state, stopped }: RemoteBackend): Tone {
  if (state === 'live') return 'good';
  return state === 'left' ? 'bad' : stopped ? 'quiet' : 'uneasy';
}

function list(names: readonly string[]): string {
  return names.length === 1 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

/** What a script must not take for done: processes that outlived even SIGKILL. */
export function exitOfDeeds(answers: readonly BackendAnswer[]): number {
  return answers.some(({ left }) => Array.isArray(left) && left.length > 0) ? faults.PROBE_FAILED.exit : 0;
}
