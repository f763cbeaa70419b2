import * as z from 'zod';
import { type Deadlines, defaultDeadlines, fastKeepalive } from '../model/config.ts';
import { forwardSchema } from './forward-schema.ts';
import { parseHost } from './host-text.ts';
import { relayNamePattern } from './name-rules.ts';
import { pluginSchema } from './plugin-schema.ts';
import { closed, duration, flag, through, whole } from './schema-part.ts';
import { parseSize, sizePattern } from './units.ts';

/** As a user would write it. */
const byDefault = (stage: keyof Deadlines): string => `${defaultDeadlines[stage] / 1_000}s`;

const deadlines = closed(
  {
    tcp: duration('100ms', '10m', 'The TCP connect.').prefault(byDefault('tcp')),
    greeting: duration('100ms', '10m', 'From there to the first line of the server.').prefault(byDefault('greeting')),
    keyExchange: duration('100ms', '10m', 'From there to the agreed keys.').prefault(byDefault('keyExchange')),
    auth: duration('100ms', '10m', 'From there to the accepted login.').prefault(byDefault('auth')),
    open: duration('100ms', '10m', 'Opening one channel to the target.').prefault(byDefault('open')),
  },
  'an object with tcp, greeting, keyExchange, auth and open',
).meta({ description: 'How long each stage of connecting, and each channel open, may take.' });

const hold = closed(
  {
    time: duration('0s', '10m', 'How long a new connection waits for the link.').prefault('10s'),
    connections: whole(0, 65_536, 'How many may wait at once.').prefault(512),
  },
  'an object with time and connections',
).meta({ description: 'New connections wait while the link returns.' });

const keepalive = z
  .union(
    [
      z.null(),
      z.literal('fast').transform(() => fastKeepalive),
      closed(
        {
          interval: duration('1s', '1h', 'A ping after so long without a byte.').prefault('5s'),
          count: whole(1, 100, 'The link is dead after interval x (count + 1).').prefault(3),
        },
        'an object with interval and count',
      ),
    ],
    { error: 'null, "fast", or an object with interval and count' },
  )
  .meta({
    description:
      'Pings on an idle link. Null: as ssh_config says (ServerAlive*), else 5s x 3. "fast": 1s x 3, a dead link is found after 4 s.',
  });

/** The settings that a relay and `defaults` have in common. */
const settings = {
  isolation: z.enum(['relay', 'shared'], { error: '"relay" or "shared"' }).prefault('relay').meta({
    description: 'relay: a worker process and a link of its own. shared: one worker, and one link for each route.',
  }),
  lanes: whole(1, 2, 'Links kept ready at once; with 2 the second serves at once when the first dies.').prefault(1),
  keepalive: keepalive.prefault(null),
  deadlines: deadlines.prefault({}),
  hold: hold.prefault({}),
  quicken: flag(
    'Whether each link runs `uname -n` on the host once, so that sshd turns Nagle off (40 ms an answer). False where the key has a forced command.',
  ).prefault(true),
  connections: whole(1, 65_536, 'Most connections open at once.').prefault(8_192),
  settle: duration('0s', '1h', 'How long a link must live to count as a success.').prefault('30s'),
  drain: duration('0s', '10m', 'How long open connections may go on after a stop.').prefault('10s'),
  memory: z
    .string({ error: 'a size from "128MiB" to "64GiB"' })
    .transform(through((text: string) => parseSize(text, '128MiB', '64GiB')))
    .prefault('1GiB')
    .meta({ description: 'Largest resident size of a worker. From 128MiB to 64GiB.', pattern: sizePattern }),
};

const relay = closed(
  {
    host: z
      .string({ error: 'an alias of ssh_config or [user@]host[:port]' })
      .transform(through(parseHost))
      .meta({ description: 'An alias of ssh_config, or [user@]host[:port].' }),
    forwards: z
      .array(forwardSchema, { error: 'a list of forwards' })
      .min(1, { error: 'at least one forward' })
      .meta({ description: 'What is forwarded.' }),
    plugins: z
      .array(pluginSchema, { error: 'a list of plugins' })
      .prefault([])
      .meta({ description: 'Guests of this relay, in the order in which they are asked.' }),
    start: flag('Whether `towline up` starts it.').prefault(true),
    ...settings,
  },
  'a relay: an object with "host" and "forwards"',
).meta({ id: 'relay', title: 'One relay' });

/** The whole file as a user writes it: the one source of parsing, defaults and JSON Schema. */
export const fileSchema = closed(
  {
    $schema: z.string({ error: 'the path or URL of a JSON Schema' }).optional().meta({ description: 'For editors.' }),
    sshConfig: z
      .string({ error: 'a path, or null' })
      .regex(/^[ -~\u00a0-\uffff]{1,4096}$/, { error: 'a path without control characters' })
      .nullable()
      .prefault(null)
      .meta({
        description:
          "Another ssh_config (ssh -F): relative to this file, or beginning with ~/ or /. Null: the user's own.",
      }),
    defaults: closed(settings, 'an object with settings of relays')
      .prefault({})
      .meta({ description: 'Settings of every relay that says nothing else.' }),
    relays: z.record(z.string(), relay, { error: 'an object: the name of each relay, and the relay' }).meta({
      description: 'The relays, by name: letters, digits, - _ . (at most 64).',
      // Checked in name-rules.ts: zod would not look into a relay whose name is wrong.
      propertyNames: { pattern: relayNamePattern },
    }),
  },
  'an object with "relays"',
);

/** JSON Schema of the config file, with descriptions and defaults, for editors. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' });
  return { $schema, title: 'towline', description: 'Config file of towline.', ...schema };
}
