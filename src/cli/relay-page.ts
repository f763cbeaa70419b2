import type { TokenReply } from '../control/client.ts';
import { type Endpoint, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { recipes } from '../plugins/recipes/recipes.ts';
import type { DaemonStatus } from '../core/model/status.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { pageAddress, type PageParts } from './page-address.ts';
import { reasonOf } from './status-table.ts';
import type { Terminal } from './terminal.ts';

/** Where a person opens the backend of a relay, by what the daemon knows of it. */
export interface RelayPage {
  readonly relay: string;
  /** Its address, and whether the token is in it. */
  address(scheme?: PageParts['scheme']): { readonly text: string; readonly shown: boolean };
  readonly hasToken: boolean;
}

/** Asks the daemon for it; `--recipe` says what no backend says. Throws USAGE, RELAY_UNKNOWN, NOT_RUNNING. */
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
  // A script has the exit code of what it does with the address; a person would look for the mistake in it.
  if (process.stderr.isTTY === true) sayUnready(await client.status(), relay, terminal);
  const listen = chooseListen(reply, readText(given, 'forward'), relay);
  // A token is for its backend: whoever listens behind another forward must not get it.
  const own = reply.backend === null || (reply.leads[reply.listen.indexOf(listen)] ?? false);
  return {
    relay,
    hasToken: own && reply.token !== null,
    address: (scheme) =>
      pageAddress({
        ...partsOf(own ? reply : { ...reply, token: null }, recipe),
        ...(scheme === undefined ? {} : { scheme }),
        listen,
      }),
  };
}

/** What stands at the address now, where that is not the backend. */
function sayUnready({ relays }: DaemonStatus, relay: string, { err }: Terminal): void {
  const status = relays.find(({ name }) => name === relay);
  if (status === undefined || status.standing.word === 'connected') return;
  const reason = reasonOf(status, Date.now());
  const why = reason === '' ? '' : `: ${reason}`;
  err(`towline: ${relay} is ${status.standing.word}, so nothing may answer there now${why}\n`);
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

function chooseListen(
  { listen: listens, leads }: TokenReply,
  text: string | null,
  relay: string,
): Endpoint & { kind: 'tcp' } {
  const shown = listens.map((listen, index) => `${index + 1}: ${formatEndpoint(listen)}`).join(', ');
  const chosen =
    text === null
      ? (listens.find(({ kind }, index) => kind === 'tcp' && leads[index]) ??
        listens.find(({ kind }) => kind === 'tcp') ??
        listens[0])
      : (listens[Number(text) - 1] ??
        listens.find((one) => formatEndpoint(one) === text || (one.kind === 'tcp' && String(one.port) === text)));
  if (chosen === undefined) {
    throw new Fault('USAGE', `${relay} has no forward "${printable(text ?? '')}"; there are ${shown}`);
  }
  if (chosen.kind === 'tcp') return chosen;
  throw new Fault(
    'USAGE',
    `${relay} listens at ${printable(formatEndpoint(chosen))}, which no browser opens; there are ${shown}`,
  );
}
