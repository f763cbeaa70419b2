import type { BackendFacts } from '../core/model/backend.ts';
import { formatEndpoint, formatEnds } from '../core/model/endpoint.ts';
import type { FaultReport } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { nothingSaid } from '../core/model/question.ts';
import type { ForwardSnapshot, LaneSnapshot } from '../core/model/snapshot.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { formatAge, formatBytes, formatDuration } from '../control/quantity.ts';
import { reasonOf, toneOf, type View, wordOf } from './status-table.ts';
import { paint } from './terminal.ts';
import { wrapText } from './wrap-text.ts';

/** All that is known of one relay, a fact a line (`towline status RELAY`). Pure. */
export function drawRelay(relay: RelayStatus, { now, colour, columns }: View): string {
  const { counters, lastFault } = relay;
  const ago = (at: number) => `${formatAge(now - at)} ago`;
  const facts: (readonly [string, string])[] = [
    ['state', paint(wordOf(relay), toneOf[relay.standing.word], colour)],
    ['reason', reasonOf(relay, now)],
    ['waits for', waitedFor(relay)],
    ['since', relay.since === 0 ? '' : `${formatAge(now - relay.since)} (${new Date(relay.since).toISOString()})`],
    ['recovered', recoveryText(relay, now)],
    ['host', printable(relay.host)],
    ...relay.lanes.flatMap((lane, index) => laneFacts(lane, relay.lanes.length > 1 ? ` ${index + 1}` : '', now)),
    ...relay.forwards.map((forward, index): readonly [string, string] => [
      'forward',
      forwardFact(forward, counters.rtt[index] ?? null, relay.standing.fault),
    ]),
    [
      'connections',
      `${counters.open} open, ${counters.held} held, ${counters.accepted} accepted, ${counters.refused} refused${refusedText(counters)}`,
    ],
    ['traffic', `${formatBytes(counters.sent)} sent, ${formatBytes(counters.received)} received`],
    [
      'last fault',
      isSettled(relay, now) || lastFault === null ? '' : `${faultText(relay, lastFault)}, ${ago(lastFault.at)}`,
    ],
    ...Object.values(relay.notes)
      .flat()
      .map((text): readonly [string, string] => ['note', printable(text)]),
    ...relay.warnings.map((text): readonly [string, string] => ['warning', printable(text)]),
  ];
  const shown = facts.filter(([, value]) => value !== '');
  const width = Math.max(...shown.map(([name]) => name.length)) + 2;
  const room = Math.max(columns - width - 2, 30);
  const below = `\n${' '.repeat(width + 2)}`;
  const lines = shown.map(
    ([name, value]) => `  ${paint(name.padEnd(width), 'quiet', colour)}${wrapText(value, room).join(below)}`,
  );
  return `${[paint(relay.name, 'strong', colour), ...lines].join('\n')}\n`;
}

/** How often it came back, and how soon. */
function recoveryText({ recovery: { count, last } }: RelayStatus, now: number): string {
  if (last === null) return '';
  const times = count === 1 ? 'once' : `${count} times`;
  return `${times}, the last time after ${formatDuration(last.took)}, ${formatAge(now - last.at)} ago`;
}

/** Why clients were refused, the most frequent reason first. */
function refusedText({ refusedBy }: RelayStatus['counters']): string {
  const reasons = Object.entries(refusedBy).sort(([, one], [, other]) => other - one);
  return reasons.length === 0 ? '' : ` (${reasons.map(([code, count]) => `${count} ${code}`).join(', ')})`;
}

/** A fault that was over so long ago is for the log, ms. */
const settled = 600_000;

/** Whether the relay has been well for long since its last fault. */
function isSettled({ standing, since, lastFault }: RelayStatus, now: number): boolean {
  return standing.word === 'connected' && now - Math.max(since, lastFault?.at ?? 0) > settled;
}

/** What is the reason already is not told twice, and what is over is not told as if it were not. */
function faultText(
  { standing, since }: RelayStatus,
  { code, message, at }: FaultReport & { readonly at: number },
): string {
  if (standing.fault?.message === message) return `${code}, as above`;
  const over = standing.word === 'connected' && at <= since ? 'over: ' : '';
  return `${over}${printable(message)} [${code}]`;
}

/** What a person is to answer, where that is what it is blocked by. */
function waitedFor({ standing: { word, fault } }: RelayStatus): string {
  const { about, text, prompts } = fault?.detail ?? {};
  if (word !== 'blocked' || about === undefined) return '';
  const said = text === nothingSaid || text === undefined ? '' : ` (${printable(String(text))})`;
  return `${printable(String(prompts))}${said}`;
}

function laneFacts(
  { pid, state, link, machine, backend }: LaneSnapshot,
  number: string,
  now: number,
): (readonly [string, string])[] {
  const facts: (readonly [string, string])[] = pid === null ? [] : [[`worker${number}`, `pid ${pid}`]];
  if (link === null) return facts;
  const via = link.route.length === 0 ? '' : ` via ${link.route.map((hop) => printable(hop)).join(', ')}`;
  const age = state.at === 'up' ? `, up for ${formatAge(now - state.since)}` : '';
  const missing = state.at === 'up' && state.backing !== null;
  facts.push(
    [`link${number}`, `${printable(link.remote)}${via}, made in ${formatDuration(link.took)}${age}`],
    ...(machine === null ? [] : [[`machine${number}`, machine] as const]),
    ...(backend === null
      ? []
      : [[`backend${number}`, `${backendText(backend)}${missing ? '; gone, or not proved again yet' : ''}`] as const]),
    [`server${number}`, `${printable(link.server)}, host key ${printable(link.hostKey)}`],
    [
      `key exchange${number}`,
      link.strict ? 'strict, not post-quantum' : 'not strict (no fix for Terrapin), not post-quantum',
    ],
    [`silence${number}`, `the link counts as dead after ${formatDuration(link.detect)} without a byte`],
  );
  return facts;
}

function backendText({ target, adopted, says }: BackendFacts): string {
  const known = says === '' ? '' : `, ${printable(says)}`;
  return `${formatEndpoint(target)} there${known}, ${adopted ? 'found running' : 'launched'}`;
}

function forwardFact(forward: ForwardSnapshot, rtt: number | null, reason: FaultReport | null): string {
  const { bound, judgement, probed, kind, listenFault, judgeFault } = forward;
  const unprobed = kind !== 'local' && judgement === 'well';
  const said = unprobed ? 'bound, not probed' : probed || judgement !== 'pending' ? judgement : 'bound';
  const state = bound ? said : 'not bound';
  const time = rtt === null || !bound ? '' : `, ${formatDuration(rtt)}`;
  const fault = bound ? judgeFault : listenFault;
  // The reason of the relay stands above already.
  const why =
    fault === null || fault.message === reason?.message ? '' : `: ${printable(fault.message)} [${fault.code}]`;
  return `${formatEnds(forward)} (${state}${time})${why}`;
}
