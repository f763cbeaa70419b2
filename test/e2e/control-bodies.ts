import { request } from 'node:http';
import { createRoutes } from '../../src/control/routes.ts';
import { standIn } from '../control/supervisor-stand-in.ts';

/** The one route whose purpose is the token. */
const exempt = 'GET /v1/relays/:name/token';

interface Call {
  readonly path: string;
  readonly body?: string;
  /** A stream is left when this was heard; everything else is read to its end. */
  readonly until?: RegExp;
}

/** What a canary may say to each route of the control API, so that it answers well and badly. */
function callsOf({ relay, secrets, events, down }: Asked): Readonly<Record<string, readonly Call[]>> {
  const command = (verb: string): readonly Call[] =>
    [relay, 'nobody'].map((name) => ({ path: `/v1/relays/${name}/${verb}` }));
  const bodies = [
    JSON.stringify({ answers: secrets }),
    JSON.stringify({ answers: secrets[0] }),
    JSON.stringify({ [secrets[0] ?? '']: 1 }),
    `{${secrets[0]}`,
  ];
  return {
    'GET /v1/version': [{ path: '/v1/version' }],
    'GET /v1/status': [{ path: '/v1/status' }],
    'GET /v1/events': [{ path: '/v1/events?after=0', until: events }, { path: '/v1/events?after=x' }],
    'POST /v1/relays/:name/stop': command('stop'),
    'POST /v1/relays/:name/start': command('start'),
    'POST /v1/relays/:name/restart': command('restart'),
    'POST /v1/relays/:name/unlock': [
      { path: `/v1/relays/${relay}/unlock`, until: /"type":"standing"/ },
      { path: '/v1/relays/nobody/unlock' },
    ],
    'POST /v1/relays/:name/token': command('token'),
    'POST /v1/questions/:id': bodies.map((body) => ({ path: '/v1/questions/999999', body })),
    'POST /v1/reload': [{ path: '/v1/reload' }, { path: '/v1/reload?touch=' }],
    'POST /v1/down': down ? [{ path: '/v1/down' }] : [],
  };
}

/** What is asked, and what must not come back. */
export interface Asked {
  readonly relay: string;
  readonly secrets: readonly string[];
  /** The stream of events is read until then. */
  readonly events: RegExp;
  /** Whether the daemon is asked to end, last of all. */
  readonly down: boolean;
}

/** All that the control API of a daemon answers, whatever it is asked, but where it is asked for the token. */
export async function everyBody(socket: string, asked: Asked): Promise<readonly string[]> {
  const calls = callsOf(asked);
  const routes = routeNames().filter((route) => route !== exempt);
  const known = Object.keys(calls);
  // A route that is new belongs into the list; one that is gone out of it.
  if ([...routes].sort().join() !== [...known].sort().join()) throw new Error(`the routes are ${routes.join(', ')}`);
  const heard: string[] = [];
  for (const [route, each] of Object.entries(calls)) {
    const [method = ''] = route.split(' ');
    for (const one of each) heard.push(await ask(socket, method, one));
  }
  return heard;
}

function routeNames(): readonly string[] {
  const { signal } = new AbortController();
  const supervisor = standIn();
  const reload = () => Promise.reject(new Error('nobody asks'));
  const { routes } = createRoutes({ supervisor, version: '', down: () => undefined, reload, signal });
  return routes.map(({ method, path }) => `${method} ${path}`);
}

/** Header and body of an answer. */
function ask(socketPath: string, method: string, { path, body = '', until }: Call): Promise<string> {
  return new Promise((resolve, reject) => {
    const type = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const headers = { host: 'towline', ...(body === '' ? {} : type) };
    const call = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let heard = `${method} ${path} ${response.statusCode} ${response.rawHeaders.join(' ')}\n`;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        heard += chunk;
        if (until?.test(heard) !== true) return;
        resolve(heard);
        call.destroy();
      });
      response.once('end', () => {
        if (until === undefined) resolve(heard);
        else reject(new Error(`${path} ended before ${until}`));
      });
    });
    call.setTimeout(30_000, () => call.destroy(new Error(`${method} ${path} gives no answer`)));
    call.on('error', reject);
    call.end(body);
  });
}
