import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { placeConfig } from '../../../src/core/config/load.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { least, thrown, write } from './place.ts';

test('a config that is missing gets the place that is found from every folder, or the one that was named', (t) => {
  const home = makeTemp(t, 'place');
  const cwd = join(home, 'work');
  mkdirSync(cwd, { mode: 0o700 });
  const place = (explicit: string | null, env = {}) => placeConfig({ cwd, explicit, env, home });
  t.strictSame(place(null), { file: join(home, '.config/towline/config.json'), there: false });
  t.strictSame(place(null, { XDG_CONFIG_HOME: join(home, 'x') }), {
    file: join(home, 'x/towline/config.json'),
    there: false,
  });
  t.strictSame(place('a/b.yaml'), { file: join(cwd, 'a/b.yaml'), there: false });
  t.match(
    thrown(() => place('b.js')),
    { code: 'CONFIG_UNREADABLE' },
  );
  const file = write(join(cwd, 'towline.json'), least);
  t.strictSame(place(null), { file, there: true });
  t.end();
});

test('a link to nothing is no place for a new config, nor passed over', (t) => {
  const home = makeTemp(t, 'place');
  const link = join(home, 'towline.yaml');
  symlinkSync('gone.yaml', link);
  for (const explicit of [null, link]) {
    const fault = thrown(() => placeConfig({ cwd: home, explicit, env: {}, home }));
    t.match(fault, { code: 'CONFIG_MISSING', message: new RegExp(`there is no config file ${link}`) });
  }
  t.end();
});
