import type { TokenReply } from '../control/client.ts';
import { isSilent } from '../core/model/beside.ts';
import { type Endpoint, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { recipes } from '../plugins/recipes/recipes.ts';
import type { Word } from '../core/model/state.ts';
import type { DaemonStatus } from '../core/model/status.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { pageAddress, type PageParts } from './page-address.ts';
import { formatFault } from '../control/describe-lane.ts';
import { reasonOf } from './status-table.ts';

/** Where a person opens the backend of a relay, by what the daemon knows of it. */
export interface RelayPage {
  readonly relay: string;
  /** Its address, and whether the token is in it. */
  address(scheme?: PageParts['scheme']): { readonly text: string; readonly shown: boolean };
  readonly hasToken: boolean;
  /** Its address for a browser, without the token. */
  readonly plain: string;
}

/**
 * Asks the daemon for it; `--recipe` says what no backend says. Throws USAGE, RELAY_UNKNOWN, NOT_RUNNING, RELAY_STOPPED, and BACKEND_UNREADY
 * where only the backend could say what its address is.
 */
export async function relayPage({ given, terminal }: Called, command: string): Promise<RelayPage> {
  const relay = readText(given, 'relay');
  if (relay === null)
    throw new Fault('USAGE', `${command} needs the name of a relay; see \`towline ${command} --help\``);
  const named = readText(given, 'recipe');
  const recipe = named === null ? null : recipes.get(named);
  if (recipe === undefined) {
    const known = [...recipes.keys()].join(', ');
    throw new Fault('USAGE', `there is no recipe "${printable(named ?? '')}"; there are ${known}`);
  }
  const client = connect();
  const reply = await client.token(relay);
  const listen = chooseListen(reply, readText(given, 'forward'), relay);
  // A token is for its backend: whoever listens behind another forward must not get it.
  const leads = reply.leads[reply.listen.indexOf(listen)] ?? false;
  const own = reply.backend === null || leads;
  const missing = unready(await client.status(), relay, listen);
  if (missing !== null) {
    if (missing.word === 'offline')
      throw new Fault(
        'RELAY_STOPPED',
        `${relay} is stopped, so that another may listen there; \`towline start ${relay}\``,
      );
    // Only where the target is the backend's is it known to be one.
    const { word, why } = missing;
    if (reply.backend === null && leads && recipe === null)
      throw new Fault(
        'BACKEND_UNREADY',
        `${relay} is ${word}, and what its backend's address is nobody knows yet${why}; \`towline status ${relay}\` says how far it is`,
      );
    terminal.err(`towline: ${relay} is ${word}, so nothing may answer there now${why}\n`);
  }
  const address = (token: TokenReply['token'], scheme?: PageParts['scheme']) =>
    pageAddress({ ...partsOf({ ...reply, token }, recipe), ...(scheme === undefined ? {} : { scheme }), listen });
  return {
    relay,
    hasToken: own && reply.token !== null,
    plain: address(null, 'http').text,
    address: (scheme) => address(own ? reply.token : null, scheme),
  };
}

/** How it stands with a relay that is not connected; null: it is, or this forward of it serves. */
function unready(
  { relays }: DaemonStatus,
  relay: string,
  listen: Endpoint,
): { readonly word: Word; readonly why: string } | null {
  const status = relays.find(({ name }) => name === relay);
  if (status === undefined || status.standing.word === 'connected') return null;
  const own = status.forwards.find(
    (one) => one.kind === 'local' && formatEndpoint(one.listen) === formatEndpoint(listen),
  );
  // What is known of a forward was known before its link fell silent.
  const answers = status.lanes.some(({ state }) => state.at === 'up' && !isSilent(state.beside));
  const known = status.standing.word === 'degraded' && answers ? own : undefined;
  if (known?.bound === true && (known.judgement === 'well' || known.judgement === 'unverified')) return null;
  const fault = (known?.bound === true ? known.judgeFault : known?.listenFault) ?? null;
  const reason = fault === null ? reasonOf(status, Date.now()) : printable(formatFault(fault));
  return { word: status.standing.word, why: reason === '' ? '' : `: ${reason}` };
}

/** Of a backend of which nothing is known the usual is assumed: a page with `?token=`. */
function partsOf({ backend, token }: TokenReply, recipe: Parameters<typeof looksOf>[0] | null) {
  if (recipe !== null) return { ...looksOf(recipe), token };
  if (backend === null) return { scheme: 'http', page: '/', wire: { in: 'query', name: 'token' }, token } as const;
  const { scheme, page } = backend.opens ?? ({ scheme: 'http', page: '/' } as const);
  return { scheme, page, wire: backend.door?.wire ?? null, token };
}

function looksOf({
  scheme,
  page,
  door,
}: {
  scheme: 'http' | 'ws';
  page: string;
  door: { wire: PageParts['wire'] } | null;
}) {
  return { scheme, page, wire: door?.wire ?? null };
}

/** The forward that is meant, by its number or where it listens; the one that leads to the backend unless one is named. */
function chooseListen(reply: TokenReply, text: string | null, relay: string): Endpoint & { kind: 'tcp' } {
  const { listen: listens, leads, kinds } = reply;
  const local = (index: number) => kinds[index] === 'local';
  const shown = listens.map(
    (listen, index) => `${index + 1} (${local(index) ? '' : `${kinds[index]} `}${printable(formatEndpoint(listen))})`,
  );
  const all = shown.length === 1 ? `its only forward is ${shown[0]}` : `its forwards are ${shown.join(', ')}`;
  const refuse = (why: string) => new Fault('USAGE', `${why}; ${all}`);
  const isNamed = (one: Endpoint) => formatEndpoint(one) === text || (one.kind === 'tcp' && String(one.port) === text);
  const usable = listens.flatMap(({ kind }, index) => (kind === 'tcp' && local(index) ? [index] : []));
  const named = listens[Number(text) - 1] === undefined ? listens.findIndex(isNamed) : Number(text) - 1;
  const index = text === null ? (usable.find((one) => leads[one]) ?? usable[0] ?? kinds.indexOf('local')) : named;
  const chosen = listens[index];
  if (chosen === undefined) {
    const none = `${relay} has no local forward, so there is no address for a UI`;
    throw refuse(text === null ? none : `${relay} has no forward "${printable(text)}"`);
  }
  const name = printable(formatEndpoint(chosen));
  if (kinds[index] === 'remote')
    throw refuse(`${name} is where the host of ${relay} listens, no address of this machine`);
  if (kinds[index] === 'dynamic')
    throw refuse(`${name} is a SOCKS proxy, no page: set it as the proxy (socks5h://${name})`);
  if (chosen.kind !== 'tcp')
    throw refuse(`${name} is a Unix socket, which no browser opens; give ${relay} a forward with a port`);
  if (chosen.port !== 0) return chosen;
  throw new Fault(
    'LISTEN_UNAVAILABLE',
    `${relay} has no port yet, for it has not listened; \`towline start ${relay}\` chooses one`,
  );
}
