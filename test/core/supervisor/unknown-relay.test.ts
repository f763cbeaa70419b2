import { test } from 'tap';
import { unknownRelay } from '../../../src/core/supervisor/relay/unknown-relay.ts';

test('an unknown relay is answered with the name that was probably meant', async (t) => {
  const fault = unknownRelay('devbox', ['postgres', 'dev-box']);
  t.equal(fault.code, 'RELAY_UNKNOWN');
  t.equal(fault.message, 'no relay is called "devbox"; did you mean "dev-box"?');
});

test('where nothing is near, all names are listed', async (t) => {
  t.equal(unknownRelay('x', ['dev-box', 'db']).message, 'no relay is called "x"; there are dev-box, db');
  t.equal(unknownRelay('mainframe', ['db']).message, 'no relay is called "mainframe"; there is db');
  t.equal(unknownRelay('x', []).message, 'no relay is called "x"; there are none');
});
