import { test } from 'tap';
import { poly1305 } from '../../../../src/core/ssh/identity/poly1305.ts';

test('the authenticator is that of RFC 8439 section 2.5.2 and appendix A.3', (t) => {
  const hex = (text: string) => Buffer.from(text.replaceAll(':', '').replaceAll(' ', ''), 'hex');
  const key = hex('85:d6:be:78:57:55:6d:33:7f:44:52:fe:42:d5:06:a8:01:03:80:8a:fb:0d:b2:fd:4a:bf:f6:af:41:49:f5:1b');
  const tag = hex('a8:06:1d:c1:30:51:36:c6:c2:2b:8b:af:0c:01:27:a9');
  t.same(poly1305(key, Buffer.from('Cryptographic Forum Research Group')), tag);
  t.same(poly1305(Buffer.alloc(32), Buffer.alloc(64)), Buffer.alloc(16), 'vector 1');
  const r = Buffer.concat([Buffer.from([2]), Buffer.alloc(31)]);
  t.same(poly1305(r, Buffer.alloc(16, 0xff)), hex(`03${'00'.repeat(15)}`), 'vector 7: a sum beyond the prime');
  t.end();
});
