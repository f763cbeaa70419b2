import { test } from 'tap';
import { nearest } from '../../../src/core/model/nearest.ts';

const words = ['host', 'port', 'hostname', 'identityfile', 'proxyjump', 'user'];

test('the word that was meant', (t) => {
  for (const [word, meant] of [
    ['prot', 'port'],
    ['hots', 'host'],
    ['sure', null],
    ['hostnam', 'hostname'],
    ['IdentifyFile', 'identityfile'],
    ['proxyjmup', 'proxyjump'],
    ['usr', 'user'],
    ['nonsense', null],
    ['', null],
    ['x'.repeat(65), null],
  ] as const) {
    t.equal(nearest(word, words), meant, word);
  }
  t.equal(nearest('port', words), 'port');
  t.equal(nearest('anything', []), null);
  t.equal(nearest('stat', ['start', 'status', 'stop']), 'status', 'it begins so');
  t.equal(nearest('sta', ['start', 'status', 'state']), null, 'several begin so');
  t.equal(nearest('st', ['start']), null, 'too little to know');
  t.equal(nearest('prot', ['port', 'protocolkeepalives']), 'port', 'much would be missing');
  t.end();
});
