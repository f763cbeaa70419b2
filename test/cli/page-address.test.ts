import { test } from 'tap';
import { Secret } from '../../src/core/model/secret.ts';
import { type PageParts, pageAddress } from '../../src/cli/page-address.ts';
import { recipes } from '../../src/plugins/recipes/recipes.ts';

const listen = { host: '127.0.0.1', port: 8899 };
const token = new Secret('a+b/c=');

/** The address by a recipe, as `url` makes it. */
function address(name: string, more: Partial<PageParts> = {}) {
  const recipe = recipes.get(name);
  if (recipe === undefined) throw new Error(`no recipe ${name}`);
  const { scheme, page, door } = recipe;
  return pageAddress({ scheme, page, listen, wire: door?.wire ?? null, token, ...more });
}

test('an address has the scheme, the page and the token as its recipe says', (t) => {
  t.same(address('jupyter'), { text: 'http://127.0.0.1:8899/?token=a%2Bb%2Fc%3D', shown: true });
  t.same(address('mains'), { text: 'ws://127.0.0.1:8899/?token=a%2Bb%2Fc%3D', shown: true });
  t.same(address('opencode'), { text: 'http://opencode:a%2Bb%2Fc%3D@127.0.0.1:8899/', shown: true });
  t.same(address('code-server'), { text: 'http://127.0.0.1:8899/', shown: false });
  t.same(address('vite', { token: null }), { text: 'http://127.0.0.1:8899/', shown: false });
  t.same(address('jupyter', { token: null }), { text: 'http://127.0.0.1:8899/', shown: false });
  const wire = { in: 'header', name: 'x', before: '' } as const;
  t.same(address('generic', { wire }), { text: 'http://127.0.0.1:8899/', shown: false });
  t.equal(address('jupyter', { page: '/lab?reset' }).text, 'http://127.0.0.1:8899/lab?reset&token=a%2Bb%2Fc%3D');
  t.equal(address('vite', { listen: { host: '::1', port: 1 } }).text, 'http://[::1]:1/');
  t.equal(address('vite', { listen: { host: '0.0.0.0', port: 1 } }).text, 'http://127.0.0.1:1/');
  t.end();
});
