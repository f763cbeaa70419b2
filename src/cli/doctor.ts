import { findConfig, loadConfig, type Whereabouts } from '../core/config/load.ts';
import type { Config } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import { nearest } from '../core/model/nearest.ts';
import { printable } from '../core/model/printable.ts';
import { readFlag, readText } from './arguments.ts';
import { askOrRefuse } from './ask-or-refuse.ts';
import type { Called } from './commands.ts';
import { placeOf } from './config-place.ts';
import { connect } from './connect.ts';
import { askDaemon, askDaemonToken, daemonFindings, easeFinding } from './daemon-findings.ts';
import { viewDaemon } from './daemon-view.ts';
import { examine, type Subject } from './examine.ts';
import type { Finding } from './finding.ts';
import { drawFinding } from './finding-sheet.ts';
import { listenFindings } from './listen-findings.ts';
import { paint } from './terminal.ts';
import { readHost } from './read-host.ts';
import { asTold, distinct, isTold, ToldHosts } from './told-hosts.ts';

/** `towline doctor [RELAY|HOST]`: goes the way of a relay step by step, and says what is wrong and what to do. */
export async function doctor(called: Called): Promise<number> {
  const { left } = called.terminal;
  try {
    const code = await goThrough(called);
    // Who has read enough ends the look in the middle, and nothing is wrong with that.
    return left.aborted ? 0 : code;
  } catch (error) {
    if (left.aborted) return 0;
    throw error;
  }
}

async function goThrough({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const word = readHost(given, 'relay');
  const where = placeOf(given, terminal);
  const own = readConfig(where);
  const other = where.explicit === null ? await daemonConfig(own, word) : null;
  const config = other ?? own;
  // Without a name there is nothing to look at then, and this says where a config would be.
  if (config === null && word === null) findConfig(where);
  if (other !== null)
    terminal.err(`towline: ${printable(`the config is ${other.file}, which the running daemon has`)}\n`);
  const subjects = chooseSubjects(word, config, readText(given, 'F'));
  const daemon = await viewDaemon(config);
  const differs = subjects.some(({ relay }) => relay !== null && !daemon.knows(relay));
  if (daemon.note !== null && differs) terminal.err(`towline: ${printable(daemon.note)}\n`);
  const asker = askOrRefuse(json);
  const hosts = new ToldHosts();
  const looked: { readonly subject: string; readonly findings: readonly Finding[] }[] = [];
  try {
    for (const subject of subjects) {
      if (terminal.left.aborted) break;
      const name = subject.relay?.name ?? subject.host;
      if (!json) terminal.out(`${paint(printable(name), 'strong', terminal.colour)}\n${asHost(subject, config)}`);
      const findings: Finding[] = [];
      const known = subject.relay !== null && daemon.knows(subject.relay);
      const before = known ? await askDaemon(name) : null;
      const told = hosts.of(subject);
      const draw = (finding: Finding) => !json && terminal.out(drawFinding(finding, terminal));
      const say = (found: Finding) => {
        const finding = easeFinding(found, before);
        findings.push(finding);
        if (told === null || !isTold(finding, told)) draw(finding);
      };
      if (told !== null) draw(asTold(subject, told));
      const daemonToken = () => (before === null ? Promise.resolve(null) : askDaemonToken(name));
      const raw: Finding[] = [];
      const hear = (found: Finding) => {
        raw.push(found);
        say(found);
      };
      if (told?.ends === true) findings.push(...told.findings.map((found) => easeFinding(found, before)));
      else await examine(subject, { say: hear, ask: asker.ask(name), daemonToken, signal: terminal.left });
      hosts.keep(subject, name, raw);
      if (subject.relay !== null) {
        const status = known ? await askDaemon(name) : null;
        for (const finding of await listenFindings(subject.relay, status, daemon.holder)) say(finding);
        if (!known) for (const finding of daemon.otherwise(subject.relay)) say(finding);
        const met = findings.flatMap(({ fault }) => fault ?? []);
        if (status !== null) for (const finding of daemonFindings(status, met)) say(finding);
      }
      looked.push({ subject: name, findings });
    }
  } finally {
    asker.close();
  }
  const faults = looked.flatMap(({ findings }) => findings.flatMap(({ fault }) => fault ?? []));
  if (json) terminal.out(`${JSON.stringify(looked.map(plain), null, 2)}\n`);
  else terminal.out(`${lastWord(distinct(looked.flatMap(({ findings }) => findings)))}\n`);
  return faults[0]?.entry.exit ?? 0;
}

/** The sum of it all. Pure. */
export function lastWord(findings: readonly Finding[]): string {
  const count = (state: Finding['state'], one: string, several: string) => {
    const { length } = findings.filter((finding) => finding.state === state);
    return length === 0 ? null : `${length} ${length === 1 ? one : several}`;
  };
  const wrong = count('wrong', 'thing is wrong', 'things are wrong');
  const wait = count('wait', 'launch is under way', 'launches are under way');
  const mind = count('mind', 'thing marked ! may matter', 'things marked ! may matter');
  const rest = [wait, mind].filter((part) => part !== null).join('; ');
  if (wrong !== null) return wait === null ? wrong : `${wrong}; ${wait}`;
  return rest === '' ? 'all is well' : `nothing is wrong${wait === null ? '' : ' so far'}; ${rest}`;
}

/** Null where none is found. */
function readConfig(where: Whereabouts): Config | null {
  try {
    return loadConfig(findConfig(where));
  } catch (error) {
    const fault = Fault.from(error);
    if (fault.code === 'CONFIG_MISSING' && where.explicit === null) return null;
    throw fault;
  }
}

/** The config of the running daemon, where the one here has not got what is meant and that one has; else null. */
async function daemonConfig(own: Config | null, word: string | null): Promise<Config | null> {
  const has = (config: Config | null) => config?.relays.some(({ name }) => word === null || name === word) === true;
  if (has(own)) return null;
  try {
    const config = loadConfig((await connect().version()).config);
    return has(config) ? config : null;
  } catch {
    // No daemon runs, or `towline check` says what is wrong with its config.
    return null;
  }
}

/** A relay where the config has one of that name, else a host; without a name every relay. */
function chooseSubjects(word: string | null, config: Config | null, sshConfig: string | null): readonly Subject[] {
  const file = sshConfig ?? config?.sshConfig ?? null;
  const relays = config?.relays.filter(({ name }) => word === null || name === word) ?? [];
  if (relays.length > 0) return relays.map((relay) => ({ host: relay.host, relay, sshConfig: file }));
  return [{ host: word ?? '', relay: null, sshConfig: file }];
}

/** Who meant a relay sees that it is none. */
function asHost({ relay, host }: Subject, config: Config | null): string {
  if (relay !== null || config === null) return '';
  const near = nearest(
    host,
    config.relays.map(({ name }) => name),
  );
  const hint = near === null ? '' : `; did you mean ${near}?`;
  return `${printable(`  no relay of ${config.file} has this name, so it is taken for a host${hint}`)}\n`;
}

function plain({ subject, findings }: { readonly subject: string; readonly findings: readonly Finding[] }): unknown {
  return { subject, findings: findings.map(({ fault, ...rest }) => ({ ...rest, fault: fault?.report() ?? null })) };
}
