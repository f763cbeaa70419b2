import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'tap';
import ts from 'typescript';
import { relayFaults } from '../../src/client/node.ts';
import { complaints, examplesOf, inNode, inPage } from '../fixtures/compile.ts';

const page = 'docs/client.md';

/** The table of faults as the page must have it; TAP_SNAPSHOT=1 writes it. */
function faultTable(): string {
  const rows = Object.entries(relayFaults).map(([code, { means, todo }]) => `| \`${code}\` | ${means} | ${todo} |`);
  return ['| code | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

const user = `
import { connectRelay, RelayFault, relayFaults, type RelayClient, type RelayFaultCode, type RelayOptions, type Status } from 'towline/client';

const options: RelayOptions = {
  url: new URL('ws://127.0.0.1:8787'),
  token: async () => 'token',
  wire: { in: 'query', name: 'token' },
  onMessage: (message: string | ArrayBuffer) => void message,
  refetch: async ({ first, send, signal }) => { if (first && !signal.aborted) send(new Uint8Array(1)); },
  queue: { bytes: 1 },
  heartbeat: null,
};
const relay: RelayClient = connectRelay(options);
const unsubscribe: () => void = relay.subscribe((status: Status) => {
  switch (status.word) {
    case 'connected': { const none: null = status.fault; return none; }
    case 'offline': return status.fault?.code;
    case 'connecting':
    case 'reconnecting': { const at: number | null = status.retryAt; return at; }
  }
});
unsubscribe();
const how: 'sent' | 'queued' = relay.send('text');
const code: RelayFaultCode = new RelayFault('QUEUE_FULL', how).code;
const todo: string = relayFaults[code].todo;
for (const message of relay.close()) void [message, todo];

// @ts-expect-error a message is text or bytes
relay.send({ type: 'line' });
// @ts-expect-error a status cannot be set
relay.status = { word: 'connected', fault: null };
// @ts-expect-error an unknown option
connectRelay({ tokn: 'x' });
// @ts-expect-error headers are not for a page to send
connectRelay({ wire: { in: 'header', name: 'x', before: '' } });
// @ts-expect-error only a status that waits has a time for it
if (relay.status.word === 'connected') relay.status.retryAt;
`;

test('a page types its use of the client without the types of Node', (t) => {
  t.same(complaints(t, { 'user.ts': user }, inPage), []);
  t.end();
});

test('a program for Node types its use of the client without those of a page', (t) => {
  const same = `
    import type * as forNode from ${JSON.stringify(resolve('dist/src/client/node.js'))};
    import type * as forPages from 'towline/client';
    type Same<A, B> = [A, B] extends [B, A] ? true : false;
    export const same: Same<keyof typeof forNode, keyof typeof forPages> = true;
    export const call: Same<Parameters<typeof forNode.connectRelay>, Parameters<typeof forPages.connectRelay>> = true;
  `;
  t.same(complaints(t, { 'user.ts': user, 'same.ts': same }, inNode), [], 'both doors have the same names');
  t.end();
});

test('what runs in a page uses nothing that only Node has', (t) => {
  const program = ts.createProgram([resolve('src/client/browser.ts')], {
    ...inPage,
    strict: true,
    noEmit: true,
    skipDefaultLibCheck: true,
    allowImportingTsExtensions: true,
  });
  t.same(
    ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    [],
  );
  t.end();
});

test('every example of the page compiles, and its table is the table of faults', (t) => {
  const text = readFileSync(page, 'utf8');
  const [before = '', after = ''] = text.split(/(?<=<!-- faults -->\n)[\s\S]*?(?=## All options)/);
  const wanted = `${before}\n${faultTable()}\n\n${after}`;
  if (process.env['TAP_SNAPSHOT'] === '1') writeFileSync(page, wanted);
  t.equal(readFileSync(page, 'utf8'), wanted);
  const examples = examplesOf(page, 'ts');
  t.ok(examples.length >= 5, `${examples.length} examples`);
  const files = Object.fromEntries(
    examples.map((example, index) => [`example-${index}.ts`, `${example}\nexport {};\n`]),
  );
  t.same(complaints(t, files, inPage), []);
  t.end();
});

test('every option that there is stands on the page', (t) => {
  const text = readFileSync(page, 'utf8');
  const source = readFileSync('src/client/options.ts', 'utf8');
  const body = source.slice(source.indexOf('export interface RelayOptions'));
  const names = [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1] ?? '');
  t.equal(names.length, 11);
  for (const name of names) t.ok(text.includes(`\`${name}`), name);
  t.end();
});
