import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { leadsToBackend } from '../core/model/backend.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { RelayStatus } from '../core/model/status.ts';
import type { Reloaded, Touch } from '../core/supervisor/reloads.ts';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { readAnswers } from './answers-body.ts';
import { readPlace, streamEvents } from './event-stream.ts';
import { streamQuestions } from './unlock-stream.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';

/** What the routes act upon. */
export interface Routed {
  readonly supervisor: Supervisor;
  readonly version: string;
  /** Ends the daemon; it may return before that is done. `now` cuts the drain short. */
  readonly down: (now: boolean) => void;
  /** Has the config file read again; `touch`: whose open links may end. */
  readonly reload: (touch: Touch) => Promise<Reloaded>;
  /** Aborted when the control API closes: event streams end. */
  readonly signal: AbortSignal;
}

type App = Hono<{ Bindings: HttpBindings }>;

/** The control API. Every error is `{ code, message, detail }` with the fault table's HTTP status. */
export function createRoutes({ supervisor, version, down, reload, signal }: Routed): App {
  const app: App = new Hono();
  const daemon = randomBytes(6).toString('hex');
  app.onError((error) => answerFault(Fault.from(error)));
  app.notFound(({ req }) => {
    const known =
      'see GET /v1/version, /v1/status, /v1/events, POST /v1/relays/NAME/start, stop, restart, unlock, GET and POST /v1/relays/NAME/token, /v1/questions/ID, /v1/reload, /v1/down';
    throw new Fault('USAGE', `there is no ${printable(`${req.method} ${req.path}`)}; ${known}`);
  });
  app.get('/v1/version', (context) => {
    const { pid, config, since } = supervisor.status();
    return context.json({ version, pid: pid === 0 ? process.pid : pid, config, since });
  });
  app.get('/v1/status', (context) => context.json(supervisor.status()));
  app.get('/v1/events', (context) => {
    // What a reader comes back with is newer than the address that he was opened with.
    const last = context.req.header('last-event-id');
    const after =
      last === undefined
        ? readPlace(context.req.query('after') ?? '0', 'after', daemon)
        : readPlace(last, 'Last-Event-ID', daemon);
    streamEvents(supervisor, daemon, after, context.env.outgoing, signal);
    return RESPONSE_ALREADY_SENT;
  });
  const command = (act: (name: string) => Promise<void>) => async (context: Context) => {
    const name = context.req.param('name') ?? '';
    await act(name);
    return context.json(findRelay(supervisor, name));
  };
  app.post(
    '/v1/relays/:name/start',
    command((name) => supervisor.startRelay(name)),
  );
  app.post(
    '/v1/relays/:name/stop',
    command((name) => supervisor.stopRelay(name)),
  );
  app.post(
    '/v1/relays/:name/restart',
    command((name) => supervisor.restartRelay(name)),
  );
  app.post('/v1/relays/:name/unlock', (context) => {
    const { name } = findRelay(supervisor, context.req.param('name'));
    streamQuestions(supervisor, name, context.env.outgoing, signal);
    return RESPONSE_ALREADY_SENT;
  });
  app.post('/v1/questions/:id', async (context) => {
    const { answers, lifetime } = readAnswers(context.req.header('content-type') ?? '', await context.req.text());
    const id = readNumber(context.req.param('id'), 'question');
    if (answers === null) supervisor.questions.decline(id);
    else supervisor.questions.answer(id, answers, lifetime);
    return context.json({});
  });
  app.get('/v1/relays/:name/token', (context) => {
    const { name, forwards } = findRelay(supervisor, context.req.param('name'));
    const { token, backend } = supervisor.token(name);
    context.header('cache-control', 'no-store');
    // Only what leads to the backend may be shown its token.
    const leads = forwards.map((forward) => leadsToBackend(forward, backend?.target ?? null));
    const listen = forwards.map((forward) => forward.listen);
    const kinds = forwards.map(({ kind }) => kind);
    return context.json({ token: token?.reveal() ?? null, backend, listen, leads, kinds });
  });
  app.post('/v1/relays/:name/token', async (context) => {
    await supervisor.retoken(findRelay(supervisor, context.req.param('name')).name);
    return context.json({});
  });
  app.post('/v1/reload', async (context) => {
    const touch = context.req.query('touch');
    return context.json(await reload(touch === undefined ? 'all' : touch.split(',').filter((name) => name !== '')));
  });
  app.post('/v1/down', (context) => {
    context.env.outgoing.once('finish', () => down(context.req.query('now') === '1'));
    return context.json({ pid: process.pid }, 202);
  });
  return app;
}

function answerFault(fault: Fault): Response {
  return Response.json(fault.report(), { status: fault.entry.http, headers: { 'cache-control': 'no-store' } });
}

function findRelay(supervisor: Supervisor, name: string): RelayStatus {
  const { relays } = supervisor.status();
  const found = relays.find((relay) => relay.name === name);
  if (found !== undefined) return found;
  throw unknownRelay(
    name,
    relays.map((relay) => relay.name),
  );
}

function readNumber(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Fault('USAGE', `${name}=${printable(text)} is no number; expected 0 or more`);
}
