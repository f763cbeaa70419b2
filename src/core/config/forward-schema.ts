import * as z from 'zod';
import { parseHere, parseListen, parseTarget } from './endpoint-text.ts';
import type { ForwardConfig, HealthConfig } from '../model/config.ts';
import type { Target } from '../model/endpoint.ts';
import { parseForward } from './forward-text.ts';
import { closed, duration, flag, through, whole } from './schema-part.ts';

const probe = {
  every: duration(
    '1s',
    '1h',
    'Time between two checks; 1 s after an answer that disagrees, until rise or fall is reached.',
  ).prefault('15s'),
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

const bodyForm = 'a text of 1 to 1024 characters, or null';

const probeBody = z
  .union([z.null(), z.string({ error: bodyForm }).min(1, { error: bodyForm }).max(1_024, { error: bodyForm })], {
    error: bodyForm,
  })
  .meta({
    description:
      'A text that a good answer contains, exactly as it is written here; at most 64 KiB of the answer are read. Null: any answer will do.',
  });

/** Gives a probe the timeout that nobody wrote. */
function timed<Given extends { readonly every: number; readonly timeout?: number | undefined }>(given: Given) {
  return { ...given, timeout: given.timeout ?? Math.min(3_000, given.every) };
}

/** A backend is asked unless the file says null: that it answers is the point of launching it. */
function healthOf(target: Target, given: HealthConfig | null | undefined): HealthConfig | null {
  if (given !== undefined) return given;
  return target.kind === 'backend'
    ? { kind: 'backend', path: '/', status: null, body: null, every: 15_000, timeout: 3_000, rise: 1, fall: 3 }
    : null;
}

const probeForms = '"tcp", "websocket", "http", "backend", null, or an object with "kind"';

const probeObject = z
  .discriminatedUnion(
    'kind',
    [
      closed({ kind: z.literal(['tcp', 'backend']), ...probe }, probeForms).transform((given) =>
        timed({ ...given, path: '/', status: null, body: null }),
      ),
      closed({ kind: z.literal('websocket'), path: probePath.prefault('/'), ...probe }, probeForms).transform((given) =>
        timed({ ...given, status: null, body: null }),
      ),
      closed(
        {
          kind: z.literal('http'),
          path: probePath.prefault('/'),
          status: probeStatus.prefault(null),
          body: probeBody.prefault(null),
          ...probe,
        },
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

const hereForms = 'host:port or a port of this machine, or unix:/path';

const targetForms = 'host:port, a port of the remote host itself, unix:/path, or "backend"';

const target = z.union([z.number(), z.string()], { error: targetForms }).transform(through(parseTarget)).meta({
  description:
    'What the remote host dials: host:port, a port (on its 127.0.0.1), unix:/path there, or "backend": wherever the backend listens that a plugin launches.',
});

const here = z.union([z.number(), z.string()], { error: hereForms }).transform(through(parseHere)).meta({
  description: 'What this machine dials: host:port, a port (on its 127.0.0.1), or unix:/path.',
});

const listenThere = z.union([z.number(), z.string()], { error: listenForms }).transform(through(parseListen)).meta({
  description:
    'Where the remote host listens: a port (on its 127.0.0.1), address:port, [v6]:port, or unix:/path. Port 0 lets its server choose. Other addresses than its loopback need GatewayPorts in its sshd_config too.',
});

const expose = flag('Allows `listen` to be an address that other machines reach.').prefault(false);

const forwardForms = 'a forward: an object with "listen" and "target", or its short form such as "8080:10.0.0.5:80"';

const local = closed(
  {
    kind: z.literal('local').optional().meta({ description: 'Listen here, dial there (ssh -L). The default.' }),
    listen,
    target,
    health: health.optional(),
    expose,
  },
  forwardForms,
).transform(({ listen, target, health }) => ({
  kind: 'local' as const,
  listen,
  target,
  health: healthOf(target, health),
}));

const remote = closed(
  {
    kind: z.literal('remote').meta({ description: 'Listen there, dial here (ssh -R).' }),
    listen: listenThere,
    target: here,
    expose,
  },
  forwardForms,
).transform(({ kind, listen, target }) => ({ kind, listen, target, health: null }));

const dynamic = closed(
  {
    kind: z.literal('dynamic').meta({ description: 'A SOCKS proxy here, whose clients name their targets (ssh -D).' }),
    listen,
    expose,
  },
  'a dynamic forward: an object with "listen", or its short form such as "dynamic:1080"',
).transform(({ kind, listen }) => ({ kind, listen, target: null, health: null }));

/** A forward, long or short. */
export const forwardSchema = z
  .union(
    [
      z
        .string()
        .transform(through(parseForward))
        .transform(
          (ends): ForwardConfig =>
            ends.kind === 'local' ? { ...ends, health: healthOf(ends.target, undefined) } : { ...ends, health: null },
        )
        .meta({
          description:
            'Short form: "5432", "8080:10.0.0.5:80", "127.0.0.1:8080:db:5432", "remote:9000:127.0.0.1:3000", "dynamic:1080"; unix:/path at either end.',
        }),
      z.discriminatedUnion('kind', [local, remote, dynamic], {
        error: (issue) => (issue.code === 'invalid_union' ? '"local", "remote" or "dynamic"' : forwardForms),
      }),
    ],
    { error: forwardForms },
  )
  .meta({ id: 'forward', title: 'One forward' });
