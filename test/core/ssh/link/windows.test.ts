import { finished } from 'node:stream/promises';
import { test } from 'tap';
import { firstWindow, windowBudget } from '../../../../src/core/ssh/link/receive-window.ts';
import { startSource } from '../../../fixtures/backend.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { startSshd } from '../../../fixtures/sshd.ts';

const from = { address: '127.0.0.1', port: 0 };

test('relays that share a link have a budget for their windows each, and a channel without one never grows', async (t) => {
  const sshd = await startSshd(t);
  const source = await startSource(t, 8 * 1024 * 1024);
  const link = await openTestLink(t, sshd);
  const target = { kind: 'tcp', host: '127.0.0.1', port: source.port } as const;
  const [one, other] = [windowBudget(4 * firstWindow), windowBudget(0)];
  for (const budget of [one, other, undefined]) {
    const channel = await link.dial(target, from, undefined, budget);
    const least: number[] = [];
    let bytes = 0;
    channel.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      least.push(one.spare);
    });
    channel.on('end', () => channel.close());
    await finished(channel, { writable: false });
    t.equal(bytes, 8 * 1024 * 1024);
    t.equal(Math.min(...least) < 4 * firstWindow, budget === one, 'only its own channel takes of a budget');
    t.equal(other.spare, 0);
  }
  t.equal(one.spare, 4 * firstWindow, 'what was taken is given back');
});
