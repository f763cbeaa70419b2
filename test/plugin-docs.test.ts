import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Test, test } from 'tap';
import { type Plugin, pluginConforms } from '../src/plugin.ts';
import { complaints, examplesOf, inNode } from './fixtures/compile.ts';
import { makeTemp } from './fixtures/temp.ts';

const page = 'docs/plugins.md';

async function load(t: Test, text: string): Promise<Plugin> {
  const file = join(makeTemp(t, 'plugin'), 'hours.mjs');
  writeFileSync(file, text);
  const { default: plugin }: { default: Plugin } = await import(pathToFileURL(file).href);
  return plugin;
}

test('the plugins on the page keep the rules that it tells, and their config and their test are theirs', async (t) => {
  const [smallest, withOptions, ...others] = examplesOf(page, 'js');
  if (smallest === undefined || withOptions === undefined) throw new Error('the page has two plugins');
  t.same(others, []);
  await pluginConforms(await load(t, smallest));
  const plugin = await load(t, withOptions);
  const [config = ''] = examplesOf(page, 'json');
  const [{ use: _, deadlines, ...options }] = JSON.parse(config).plugins;
  t.same(Object.keys(deadlines), ['admit']);
  await pluginConforms(plugin, { options, refused: [{ from: 'nine' }, { form: 9 }] });

  const [typed = '', itsTest = '', ...more] = examplesOf(page, 'ts');
  t.same(more, []);
  t.match(
    itsTest,
    JSON.stringify(options).replaceAll('"', '').replace(':', ': ').replace('{', '{ ').replace('}', ' }'),
  );
  t.same(
    complaints(
      t,
      { 'typed.ts': typed, 'hours.js': withOptions, 'hours.test.ts': itsTest },
      { ...inNode, allowJs: true },
    ),
    [],
  );
});
