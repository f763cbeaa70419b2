import { Fault } from '../core/model/fault.ts';
import { awaitsAnswer } from '../core/model/question.ts';
import { printable } from '../core/model/printable.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { parseDuration } from '../core/config/units.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { askOnce } from './ask-once.ts';
import { connect } from './connect.ts';
import { leftCode } from './dialogue.ts';
import { openPrompter } from './prompter.ts';
import type { Terminal } from './terminal.ts';
import { UnlockSession } from './unlock-session.ts';

/** `towline unlock [RELAY]`: asks what relays wait for, one after the other; the first fault that remains is the exit code. */
export async function unlock({ given, terminal }: Called): Promise<number> {
  const name = readText(given, 'relay');
  const lifetime = readLifetime(readText(given, 'for'));
  const client = connect();
  const { relays } = await client.status();
  const chosen = name === null ? relays.filter(waits) : [pick(relays, name)];
  const waiting = name === null ? chosen : chosen.filter((relay) => waits(relay) || isOnItsWay(relay));
  if (waiting.length === 0) {
    const [one] = chosen;
    const why = one === undefined ? '' : `; ${one.name} is ${one.standing.word}${because(one.standing.reason)}`;
    terminal.say(`nothing waits for an answer${why}`);
    return 0;
  }
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.on('SIGINT', interrupt);
  const left = AbortSignal.any([terminal.left, interrupted.signal]);
  const prompter = askOnce(openPrompter());
  let first: Fault | null = null;
  try {
    for (const relay of waiting) {
      const end = await new UnlockSession(client, prompter, relay.name, lifetime).run(left);
      if (end === null) return tellLeft(relay.name, interrupted.signal.aborted, terminal);
      if (end.fault === null) terminal.say(`${relay.name}: ${end.text}`);
      else if (waiting.length > 1) terminal.err(`${relay.name}: ${printable(end.fault.message)} [${end.fault.code}]\n`);
      first ??= end.fault;
    }
  } finally {
    prompter.close();
    process.off('SIGINT', interrupt);
  }
  if (first === null) return 0;
  if (waiting.length > 1) return first.entry.exit;
  throw first;
}

/** Its user has left, or whoever read what it prints; as with other commands the latter needs no word. */
function tellLeft(relay: string, interrupted: boolean, terminal: Terminal): number {
  if (!interrupted) return 0;
  terminal.err(`towline: left; ${relay} still waits for its answer, \`towline unlock\` asks again\n`);
  return leftCode;
}

/** A lane of it is blocked by what an answer may cure, or asks somebody right now. */
function waits({ running, lanes }: RelayStatus): boolean {
  return (
    running === 'running' &&
    lanes.some(
      ({ state, stage }) => stage === 'waiting for an answer' || (state.at === 'blocked' && awaitsAnswer(state.fault)),
    )
  );
}

function isOnItsWay({ standing }: RelayStatus): boolean {
  return standing.word === 'connecting' || standing.word === 'reconnecting';
}

function because(reason: string): string {
  return reason === '' ? '' : ` (${printable(reason)})`;
}

function pick(relays: readonly RelayStatus[], name: string): RelayStatus {
  const found = relays.find((relay) => relay.name === name);
  if (found !== undefined) return found;
  throw unknownRelay(
    name,
    relays.map((relay) => relay.name),
  );
}

function readLifetime(text: string | null): number | null {
  if (text === null) return null;
  const lifetime = parseDuration(text, '1s', '500h');
  if ('value' in lifetime) return lifetime.value;
  const { message, expected } = lifetime.trouble;
  throw new Fault('USAGE', `--for: ${printable(message)}; expected ${expected}`);
}
