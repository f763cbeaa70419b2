import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type ContenderName, figure } from '../figure.ts';
import { output } from '../run.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';
import { MAIN } from '../../test/fixtures/main-file.ts';

const hosts = 2_000;
const runs = 15;

/** One host of a large ssh_config, as a whole command. */
export const explain: Section = {
  name: 'explain',
  what: '`towline explain` of a host among 2,000, as a whole command beside `node -e 0`',
  async run({ arena, signal, say }) {
    say('explain');
    const file = join(arena.dir, 'many-hosts');
    const blocks = Array.from(
      { length: hosts },
      (_, n) =>
        `Host host${n} alias${n}\n  HostName 10.0.${n >> 8}.${n & 255}\n  User user${n}\n  ProxyJump bastion${n % 7}\n`,
    );
    writeFileSync(file, `${blocks.join('\n')}\nHost *\n  ServerAliveInterval 30\n`, { mode: 0o600 });
    const host = `host${hosts - 1}`;
    const times = { towline: [] as number[], node: [] as number[], ssh: [] as number[] };
    for (let round = 0; round < runs; round++) {
      times.node.push(await timed(() => output(process.execPath, ['-e', '0'], signal)));
      times.towline.push(await timed(() => output(process.execPath, [MAIN, 'explain', host, '-F', file], signal)));
      times.ssh.push(await timed(() => output('ssh', ['-G', '-F', file, host], signal)));
    }
    const extra = median(times.towline) - median(times.node);
    const samples = new Map<ContenderName, readonly number[]>([['towline', [extra]]]);
    const whole = new Map<ContenderName, readonly number[]>([
      ['towline', times.towline],
      ['ssh', times.ssh],
    ]);
    const head = { unit: 'ms', digits: 0 };
    return {
      figures: [
        figure({ ...head, id: 'explain.whole', title: `explain a host among ${hosts}` }, whole, median),
        figure({ ...head, id: 'explain.extra', title: '  beyond `node -e 0`' }, samples, ([one]) => one ?? 'failed'),
      ],
      notes: [
        `explain: median of ${runs} whole commands; beside it \`ssh -G\`; \`node -e 0\` alone took ${median(times.node).toFixed(0)} ms`,
      ],
    };
  },
};

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}
