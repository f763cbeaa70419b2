import { rate, storm, stream } from './client.ts';

/** The load generator, a process of its own: `node client-process.js KIND NUMBER...` prints one JSON line of numbers. */
const [kind = '', ...rest] = process.argv.slice(2);
const [port = 0, a = 0, b = 0] = rest.map(Number);

async function run(): Promise<Record<string, number>> {
  if (kind === 'rate') return rate(port, a, b);
  if (kind === 'storm') return storm(port, a, b);
  return stream(port, kind === 'up' ? 'up' : 'down', a);
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
