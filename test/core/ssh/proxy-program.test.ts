import { test } from 'tap';
import { programPlaces } from '../../../src/core/ssh/proxy-program.ts';

const env = { PATH: '/usr/bin:relative::/opt/way/bin' };

test('the places where the program of a command is, or would have to appear', (t) => {
  for (const [command, places] of [
    ['nc %h %p', ['/usr/bin/nc', '/opt/way/bin/nc']],
    ['  cloudflared access ssh --hostname x', ['/usr/bin/cloudflared', '/opt/way/bin/cloudflared']],
    ['/usr/local/bin/way', ['/usr/local/bin/way']],
    ['~/bin/way x', ['/home/me/bin/way']],
    ['bin/way x', ['/home/me/bin/way']],
    // What only a shell can tell.
    ['"$WAY" x', []],
    ['$(which nc) x', []],
    ['', []],
  ] as const) {
    t.same(programPlaces(command, env, '/home/me'), places, command);
  }
  t.same(programPlaces('nc', {}, '/'), []);
  t.end();
});
