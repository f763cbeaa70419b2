import { test } from 'tap';
import { programOf, programPlaces } from '../../../src/core/ssh/proxy-program.ts';

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

test('of a command no more is told than its program', (t) => {
  for (const [command, program] of [
    ['nc %h %p', 'nc'],
    ['  /opt/way/bin/way --token hunter2', '/opt/way/bin/way'],
    ['TOKEN=hunter2 way x', 'a shell command'],
    ['"$WAY" x', 'a shell command'],
    ['', 'a shell command'],
  ] as const) {
    t.equal(programOf(command), program, command);
  }
  t.end();
});
