import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

/** `npm run soak -- --minutes N --seed S`: relays, streams and random faults for so long; exit code 1 where anything went wrong. */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write('soak: --minutes takes a number above 0, --seed a whole one\n');
  process.exit(64);
}
const say = (line: string) => void process.stdout.write(`${line}\n`);
const cleanups: (() => unknown)[] = [];
const cleanUp = async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
};
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => void cleanUp().finally(() => process.exit(code)));
say(
  `soak of ${minutes} min, seed ${seed}: \`npm run soak -- --minutes ${minutes} --seed ${seed}\` does the same things again`,
);
try {
  const report = await soak({ teardown: (clean) => cleanups.push(clean) }, minutes, seed, say);
  const { streams, faults, rests, stalls, bytes, complaints } = report;
  const counts = Object.entries(streams).map(([how, count]) => `${count} ${how}`);
  say(
    `\n${faults} faults, ${rests} relays that left their host alone for a while, ${stalls} times the machine was too busy; streams: ${counts.join(', ')}; ${Math.round(bytes / 2 ** 20)} MiB came back right`,
  );
  say(
    complaints.length === 0
      ? `clean, seed ${seed}`
      : `${complaints.length} complaints, seed ${seed}:\n${complaints.join('\n')}`,
  );
  process.exitCode = complaints.length === 0 ? 0 : 1;
} finally {
  await cleanUp();
}
