import * as z from 'zod';
import type { HookDeadlines } from '../model/config.ts';
import { hookNames, isHookName } from '../model/hooks.ts';
import { safePattern } from '../model/safe-pattern.ts';
import { duration } from './schema-part.ts';

const expected = 'the name of a built-in plugin or of an npm package, or a path that begins with ./ ../ ~/ or /';

const use = z
  .string({ error: expected })
  .regex(
    /^(?:(?:@[a-z0-9~-][a-z0-9._~-]{0,127}\/)?[a-z0-9~-][a-z0-9._~-]{0,127}|(?:\.{1,2}|~)?\/[ -~\u00a0-\uffff]{1,1024})$/,
    { error: expected },
  )
  .meta({
    description:
      'Name of a built-in plugin, path of a module (relative to this file, or beginning with ~/ or /), or name of an npm package that is installed beside this file or above.',
  });

/** A record, not an object of all hooks: an editor is told their names, and nobody that each of them is a setting. */
const deadlines = z
  .record(z.string(), duration('100ms', '10m', 'How long a hook may take.'), {
    error: 'an object with the names of hooks',
  })
  .superRefine((given, context) => {
    const keys = Object.keys(given).filter((name) => !isHookName(name));
    if (keys.length > 0)
      context.addIssue({ code: 'unrecognized_keys', keys, message: hookNames.join(' '), input: given });
  })
  .transform((given): HookDeadlines => given)
  .prefault({})
  .meta({
    description: 'How long each of its hooks may take, by name; absent: as long as that hook has by itself.',
    propertyNames: { enum: [...hookNames] },
  });

/** A plugin that a relay uses: its name, or an object with its options. */
export const pluginSchema = z
  .union(
    [
      use.transform((name) => ({ use: name, options: {}, deadlines: {} })),
      z
        .looseObject({ use, deadlines }, { error: 'a plugin: its name, or an object with "use" and its options' })
        .superRefine(({ pattern }, context) => {
          const checked = typeof pattern === 'string' ? safePattern(pattern) : null;
          if (checked === null || 'value' in checked) return;
          const { message, expected: wanted } = checked.trouble;
          context.addIssue({ code: 'custom', message, path: ['pattern'], params: { expected: wanted } });
        })
        .transform(({ use: name, deadlines: times, ...options }) => ({ use: name, options, deadlines: times })),
    ],
    { error: 'a plugin: its name or path, or an object with "use" and its options' },
  )
  .meta({ id: 'plugin', title: 'One plugin of a relay' });
