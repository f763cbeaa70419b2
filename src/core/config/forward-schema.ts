import * as z from 'zod';
import { parseListen, parseTarget } from './endpoint-text.ts';
import type { HealthConfig } from '../model/config.ts';
import type { Target } from '../model/endpoint.ts';
import { parseForward } from './forward-text.ts';
import { closed, duration, flag, through, whole } from './schema-part.ts';

const probe = {
  every: duration('1s', '1h', 'Time between two checks.').prefault('15s'),
  timeout: duration(
    '100ms',
    '10m',
    'How long one check may take, at most `every`; 3s, or `every` where that is less.',
  ).optional(),
  rise: whole(1, 100, 'Good checks in a row before the forward counts as well.').prefault(1),
  fall: whole(1, 100, 'Bad checks in a row before the forward counts as unwell.').prefault(3),
};

const probePath = z
  .string({ error: 'a path that begins with /' })
  .regex(/^\/[\x21-\x7e]{0,1023}$/, { error: 'a path that begins with /, of printable ASCII without spaces' })
  .meta({ description: 'Path of the HTTP or WebSocket request.' });

const probeStatus = z
  .union([z.null(), whole(100, 599, 'Status of a good answer.')])
  .meta({ description: 'Status of a good answer. Null: any of 200 to 399.' });

/** Gives a probe the timeout that nobody wrote. */
function timed<Given extends { readonly every: number; readonly timeout?: number | undefined }>(given: Given) {
  return { ...given, timeout: given.timeout ?? Math.min(3_000, given.every) };
}

/** A backend is asked unless the file says null: that it answers is the point of launching it. */
function healthOf(target: Target, given: HealthConfig | null | undefined): HealthConfig | null {
  if (given !== undefined) return given;
  return target.kind === 'backend'
    ? { kind: 'backend', path: '/', status: null, every: 15_000, timeout: 3_000, rise: 1, fall: 3 }
    : null;
}

const probeForms = '"tcp", "websocket", "http", "backend", null, or an object with "kind"';

const probeObject = z
  .discriminatedUnion(
    'kind',
    [
      closed({ kind: z.literal(['tcp', 'backend']), ...probe }, probeForms).transform((given) =>
        timed({ ...given, path: '/', status: null }),
      ),
      closed({ kind: z.literal('websocket'), path: probePath.prefault('/'), ...probe }, probeForms).transform((given) =>
        timed({ ...given, status: null }),
      ),
      closed(
        { kind: z.literal('http'), path: probePath.prefault('/'), status: probeStatus.prefault(null), ...probe },
        probeForms,
      ).transform(timed),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? '"tcp", "websocket", "http" or "backend"' : probeForms) },
  )
  .superRefine(({ every, timeout }, context) => {
    if (timeout <= every) return;
    const message = `a timeout of ${timeout / 1_000} s is longer than the ${every / 1_000} s between two checks`;
    context.addIssue({
      code: 'custom',
      message,
      path: ['timeout'],
      params: { expected: 'a timeout of at most `every`' },
    });
  });

const health = z
  .union(
    [
      z.null(),
      z
        .enum(['tcp', 'websocket', 'http', 'backend'])
        .transform((kind) => ({ kind }))
        .pipe(probeObject),
      probeObject,
    ],
    {
      error: probeForms,
    },
  )
  .meta({
    description:
      'A check through the relay: of the TCP connection, of a WebSocket handshake, of an HTTP answer, or as the recipe of the backend says. Null: no check. Where the target is the backend, "backend" is the default.',
  });

const listenForms = 'a port, an address and port (127.0.0.1:8080, [::1]:8080), or unix:/path';

const listen = z.union([z.number(), z.string()], { error: listenForms }).transform(through(parseListen)).meta({
  description:
    'Where clients connect on this machine: a port (on 127.0.0.1), address:port, [v6]:port, or unix:/path. Port 0 chooses a free one, and keeps it.',
});

const targetForms = 'host:port, a port of the remote host itself, unix:/path, or "backend"';

const target = z.union([z.number(), z.string()], { error: targetForms }).transform(through(parseTarget)).meta({
  description:
    'What the remote host dials: host:port, a port (on its 127.0.0.1), unix:/path there, or "backend": wherever the backend listens that a plugin launches.',
});

/** A forward, long or short. */
export const forwardSchema = z
  .union(
    [
      z
        .string()
        .transform(through(parseForward))
        .transform((ends) => ({ kind: 'local' as const, ...ends, health: healthOf(ends.target, undefined) }))
        .meta({
          description: 'Short form: "5432", "8080:10.0.0.5:80", "127.0.0.1:8080:db:5432"; unix:/path at either end.',
        }),
      closed(
        {
          kind: z
            .literal('local', { error: '"local"' })
            .prefault('local')
            .meta({ description: 'Listen here, dial there (ssh -L).' }),
          listen,
          target,
          health: health.optional(),
          expose: flag('Allows `listen` to be an address that other machines reach.').prefault(false),
        },
        'a forward: an object with "listen" and "target", or its short form',
      ).transform(({ expose: _checked, ...rest }) => ({ ...rest, health: healthOf(rest.target, rest.health) })),
    ],
    { error: 'a forward: an object with "listen" and "target", or its short form such as "8080:10.0.0.5:80"' },
  )
  .meta({ id: 'forward', title: 'One forward' });
