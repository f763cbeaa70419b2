import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { findChromium, openTab, type Tab } from '../fixtures/chromium.ts';
import { startDemo } from './demo-process.ts';

const chromium = findChromium();
const skip =
  chromium === undefined && process.env['CI'] !== 'true'
    ? 'no Chromium is on the PATH; `npm run setup` installs it'
    : false;

/** Writes down every word of the status from now on, as a person who watches the dot would see them. */
const watchDot = `(() => {
  const status = document.getElementById('status');
  globalThis.words = [status.dataset.word];
  new MutationObserver(() => {
    if (globalThis.words.at(-1) !== status.dataset.word) globalThis.words.push(status.dataset.word);
  }).observe(status, { attributes: true });
})()`;
const isWord = (word: string): string => `document.getElementById('status')?.dataset.word === '${word}'`;
const lines = `[...document.querySelectorAll('#journal span')].map((one) => one.textContent)`;

function add(tab: Tab, line: string): Promise<unknown> {
  return tab.evaluate(`(() => {
    document.getElementById('text').value = ${JSON.stringify(line)};
    document.getElementById('form').requestSubmit();
  })()`);
}

test('the page in a browser: the dot goes off and on, no line is lost or doubled, and the token is in no address', {
  skip,
}, async (t) => {
  const demo = await startDemo(t);
  const tab = await openTab(t, chromium ?? 'chromium', `http://${demo.address}/#token=${demo.token}`);
  await tab.until(isWord('connected'));
  t.equal(await tab.evaluate('location.href'), `http://${demo.address}/`, 'the token has left the address');
  await add(tab, 'before the break');
  await tab.until(`${lines}.length === 1 && document.querySelector('.waiting') === null`);

  await tab.evaluate(watchDot);
  await tab.evaluate(`document.getElementById('break').click()`);
  await demo.printed.waitFor(/1 SSH link killed; the SSH server is away for 3 s/);
  await tab.until(`globalThis.words.join(' ') === 'connected reconnecting connected'`);

  await tab.evaluate(watchDot);
  demo.child.stdin?.write('k 600\n');
  await tab.until(isWord('reconnecting'));
  await add(tab, 'while it was away');
  await add(tab, 'and one more');
  t.same(await tab.evaluate('document.querySelectorAll(".waiting").length'), 2, 'what waits is shown as waiting');
  demo.child.stdin?.write('k\n');
  await tab.until(isWord('connected'));
  await tab.until('document.querySelector(".waiting") === null');
  t.same(await tab.evaluate('globalThis.words'), ['connected', 'reconnecting', 'connected']);
  t.same(await tab.evaluate(lines), ['before the break', 'while it was away', 'and one more']);
  const [folder = ''] = readdirSync(demo.dir);
  const journal = readFileSync(join(demo.dir, folder, 'journal.jsonl'), 'utf8')
    .trim()
    .split('\n');
  t.same(
    journal.map((line) => JSON.parse(line).text),
    ['before the break', 'while it was away', 'and one more'],
    'the backend has each line once, in order',
  );

  await tab.command('Page.reload');
  await tab.until(`${isWord('connected')} && ${lines}.length === 3`);
  t.pass('after a reload the tab still has its token');

  const heard = tab.network.map(({ method, params }) => ({ method, text: JSON.stringify(params) }));
  const asked = tab.network.filter(({ method }) => method === 'Network.requestWillBeSentExtraInfo');
  t.ok(asked.length > 5, 'requests were seen');
  t.same(
    asked.filter(({ params }) => /"referer":"[^"]*token/i.test(JSON.stringify(params))),
    [],
    'no Referer has the token',
  );
  const requests = tab.network.filter(({ method }) => method === 'Network.requestWillBeSent');
  t.ok(requests.length > 5, 'their addresses too');
  t.same(
    requests.filter(({ params }) => (params['request'] as { readonly url: string }).url.includes(demo.token)),
    [],
    'no address that was asked for has it',
  );
  const sockets = heard.filter(({ method }) => method === 'Network.webSocketCreated');
  t.ok(sockets.length >= 3, 'WebSockets were seen');
  t.same(
    sockets.filter(({ text }) => text.includes(demo.token)),
    [],
    'no address of a WebSocket has it',
  );
  t.same(tab.console, [], 'the console is clean');
});

test('a page with a wrong token says so, stops asking, and goes on with the right one', { skip }, async (t) => {
  const demo = await startDemo(t);
  const tab = await openTab(t, chromium ?? 'chromium', `http://${demo.address}/`);
  await tab.until(isWord('offline'));
  t.match(await tab.evaluate(`document.getElementById('trouble').textContent`), /wants a token \(HTTP 401\)/);
  const handshakes = (): number => tab.network.filter(({ method }) => method === 'Network.webSocketCreated').length;
  const before = handshakes();
  await tab.evaluate(`dispatchEvent(new Event('online'))`);
  await tab.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`);
  t.equal(handshakes(), before, 'the return of the network makes no wrong token right');
  const paste = (token: string): Promise<unknown> =>
    tab.evaluate(`(() => {
      document.getElementById('token').value = '${token}';
      document.getElementById('pair').requestSubmit();
    })()`);
  await paste('wrong');
  await tab.until(
    `${isWord('offline')} && document.getElementById('trouble').textContent.includes('refuses the token')`,
  );
  t.ok(handshakes() <= before + 2, 'a wrong token is not hammered');
  await paste(demo.token);
  await tab.until(isWord('connected'));
  t.equal(await tab.evaluate(`document.getElementById('pair').hidden`), true);
});

test('the network that comes back ends the wait at once', { skip }, async (t) => {
  const demo = await startDemo(t);
  const tab = await openTab(t, chromium ?? 'chromium', `http://${demo.address}/#token=${demo.token}`);
  await tab.until(isWord('connected'));
  // The waits of this client are made so long that only the event can be what ended one.
  const outcome = await tab.evaluate(`(async () => {
    const { connectRelay } = await import('/client/browser.js');
    Math.random = () => 0;
    const words = [];
    const reached = (relay, test) => new Promise((resolve) => {
      const stop = relay.subscribe((status) => test(status) && (stop(), resolve(status)));
    });
    const real = globalThis.setTimeout;
    globalThis.setTimeout = (work, time) => real(work, time < 15_000 ? time * 1000 : time);
    let failing = true;
    const relay = connectRelay({
      token: sessionStorage.getItem('token'),
      refetch: () => { if (failing) throw new Error('not yet'); },
      deadlines: { refetch: 60_000 },
    });
    await reached(relay, ({ retryAt }) => retryAt !== null);
    failing = false;
    const back = reached(relay, ({ word }) => word === 'connected');
    dispatchEvent(new Event('online'));
    await back;
    globalThis.setTimeout = real;
    relay.close();
    return relay.status.word;
  })()`);
  t.equal(outcome, 'offline');
});
