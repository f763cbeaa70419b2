import { spawnSync } from 'node:child_process';
import { test } from 'tap';
import { quoteForShell } from '../../../src/core/model/shell-quote.ts';

const alphabet = [
  ...'\'\\!"`$\n\r\t #~*?[]{}()<>|&;=%^@:,./-+_0aZ',
  ...[
    '\\\\',
    "\\'",
    "'\\''",
    '$(id)',
    '$HOME',
    '%self',
    '\u0001',
    '\u001b[2J',
    '\u007f',
    'é',
    '漢',
    '😀',
    '\u202e',
    '\ufeff',
  ],
];

/** The same strings in each run: a failure can be looked at. */
function strings(count: number): readonly string[] {
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join(''),
  );
}

/** What a program gets when a shell runs it with these arguments as sshd would (`-c`); Linux takes 128 KiB a text. */
function roundTrip(shell: string, args: readonly string[]): readonly string[] {
  const got: string[] = [];
  for (let at = 0; at < args.length; ) {
    let script = "printf '%s\\0'";
    do script += ` ${quoteForShell(args[at++] ?? '')}`;
    while (at < args.length && Buffer.byteLength(script) < 100_000);
    const env = { ...process.env, LC_ALL: 'C.UTF-8' };
    const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { env, maxBuffer: 16 * 1024 * 1024 });
    if (status !== 0) throw new Error(`${shell}: ${status} ${String(stderr)}`);
    got.push(...stdout.toString().split('\0').slice(0, -1));
  }
  return got;
}

for (const shell of ['sh', 'dash', 'bash', 'fish', 'tcsh']) {
  test(`10,000 random arguments come through ${shell} as they are`, (t) => {
    // csh ends a command at a newline, quoted or not
    const args = strings(10_000).map((text) => (shell === 'tcsh' ? text.replaceAll('\n', '') : text));
    const began = performance.now();
    const got = roundTrip(shell, args);
    t.comment(`${Math.round(performance.now() - began)} ms`);
    t.equal(got.length, args.length);
    const wrong = args.findIndex((text, index) => text !== got[index]);
    t.equal(wrong, -1, wrong < 0 ? '' : `${JSON.stringify(args[wrong])} became ${JSON.stringify(got[wrong])}`);
    t.end();
  });
}

test('what no command line can carry is refused', (t) => {
  for (const text of ['a\0b', '\ud800', 'x\udc00y']) {
    t.throws(() => quoteForShell(text), { code: 'CONFIG_INVALID', message: /no command line can carry/ });
  }
  t.equal(quoteForShell(''), "''");
  t.equal(quoteForShell("it's"), "'it'\\''s'");
  t.end();
});
