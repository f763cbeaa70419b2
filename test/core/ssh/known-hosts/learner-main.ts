/** A worker that learns host keys: `node learner-main.js FILE HASH NAME=BASE64...` prints what became of each, one a line. */
import { Fault } from '../../../../src/core/model/fault.ts';
import { learnHostKey } from '../../../../src/core/ssh/known-hosts/learn-host-key.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';

const [file = '', hash = '', ...hosts] = process.argv.slice(2);
// All of them begin at once.
process.once('message', () => {
  void Promise.all(
    hosts.map(async (text) => {
      const [name = '', key = ''] = text.split('=', 2);
      const host = hostConfig({
        hostName: name,
        port: 2222,
        knownHostsFiles: [file],
        knownHostsTo: file,
        hashKnownHosts: hash === 'yes',
        hostKeyChecking: 'accept-new',
      });
      const blob = Buffer.from(key, 'base64url');
      return learnHostKey(hop({ host }), blob, 'policy', new AbortController().signal).catch(
        (error) => Fault.from(error).code,
      );
    }),
  ).then((results) => {
    process.send?.(results);
    process.disconnect();
  });
});
process.send?.('ready');
