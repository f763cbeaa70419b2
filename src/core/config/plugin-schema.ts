import * as z from 'zod';
import { safePattern } from '../model/safe-pattern.ts';

const use = z
  .string({ error: 'the name of a built-in plugin, or a path that begins with ./ ../ ~/ or /' })
  .regex(/^(?:[a-z][a-z0-9-]{0,63}|(?:\.{1,2}|~)?\/[ -~\u00a0-\uffff]{1,1024})$/, {
    error: 'the name of a built-in plugin, or a path that begins with ./ ../ ~/ or /',
  })
  .meta({
    description: 'Name of a built-in plugin, or path of a module: relative to this file, or beginning with ~/ or /.',
  });

/** A plugin that a relay uses: its name, or an object with its options. */
export const pluginSchema = z
  .union(
    [
      use.transform((name) => ({ use: name, options: {} })),
      z
        .looseObject({ use }, { error: 'a plugin: its name, or an object with "use" and its options' })
        .superRefine(({ pattern }, context) => {
          const checked = typeof pattern === 'string' ? safePattern(pattern) : null;
          if (checked === null || 'value' in checked) return;
          const { message, expected } = checked.trouble;
          context.addIssue({ code: 'custom', message, path: ['pattern'], params: { expected } });
        })
        .transform(({ use: name, ...options }) => ({ use: name, options })),
    ],
    { error: 'a plugin: its name or path, or an object with "use" and its options' },
  )
  .meta({ id: 'plugin', title: 'One plugin of a relay' });
