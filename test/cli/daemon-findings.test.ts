import { test } from 'tap';
import { daemonFindings } from '../../src/cli/daemon-findings.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { relayStatus } from './statuses.ts';

const rejected = { code: 'AUTH_REJECTED', message: 'srv rejected every identity; add the key', detail: {} } as const;
const lost = { code: 'LINK_SILENT', message: 'srv is silent; trying again', detail: {} } as const;

test('a trouble is told once: by doctor itself, by the state, or as the last one', async (t) => {
  const blocked = { word: 'blocked', reason: rejected.message, fault: rejected } as const;
  const relay = { ...relayStatus('x', blocked), lastFault: { ...rejected, at: Date.now() } };
  t.match(daemonFindings(relay, []), [{ state: 'mind', text: /^the daemon says blocked.* \(srv rejected every/ }]);
  t.match(daemonFindings(relay, [Fault.fromReport(rejected)]), [
    { text: /^the daemon says blocked.*, for the same reason$/ },
  ]);
});

test('only a link that was lost is blamed on the network', async (t) => {
  const connected = relayStatus('x', { word: 'connected' });
  const fixAfter = (fault: typeof rejected | typeof lost) =>
    daemonFindings({ ...connected, lastFault: { ...fault, at: 1 } }, []).at(-1)?.fix;
  t.equal(fixAfter(rejected), '`towline logs` shows how often');
  t.match(fixAfter(lost), /keepalive/);
});
