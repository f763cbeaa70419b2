import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

import { createTunnel } from 'tunnel-ssh';

/** tunnel-ssh as its README shows it: `node tunnel-ssh-process.js PORT BACKEND SSHD IDENTITY`. */
const [port, backend, sshd, identity = ''] = process.argv.slice(2);

await createTunnel(
  { autoClose: false, reconnectOnError: true },
  { host: '127.0.0.1', port: Number(port) },
  {
    host: '127.0.0.1',
    port: Number(sshd),
    username: userInfo().username,
    privateKey: readFileSync(identity),
  },
  { dstAddr: '127.0.0.1', dstPort: Number(backend) },
);
