import { test } from 'tap';
import { editRelays, type Edit } from '../../../../src/core/config/edit/edit-relays.ts';
import { parseConfig } from '../../../../src/core/config/parse.ts';
import type { RelayConfig } from '../../../../src/core/model/config.ts';
import { dice, randomJson, type RandomConfig, randomYaml } from './random-config.ts';

const added: Edit = { kind: 'add', name: 'new-one', relay: { host: 'me@host.example:22', forward: '8787' } };

type Language = 'json' | 'yaml';

/** What the real loader makes of a text. */
function relaysOf(text: string, language: Language): readonly RelayConfig[] {
  const checked = parseConfig(Buffer.from(text), `/x/towline.${language}`, '/home/me');
  if ('config' in checked) return checked.config.relays;
  throw new Error(`${JSON.stringify(checked.problems[0])} in\n${text}`);
}

/** How many characters two texts have in common at their ends. */
function commonEnds(a: string, b: string): number {
  const least = Math.min(a.length, b.length);
  let start = 0;
  while (start < least && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < least - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return start + end;
}

/** Every promise that an edit of this text breaks. */
function broken({ text, names }: RandomConfig, language: Language, choice: number): readonly string[] {
  const found: string[] = [];
  const hold = (promise: string, kept: boolean) => void (kept || found.push(promise));
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const before = relaysOf(text, language);
  hold(
    'the text says what was meant',
    same(
      before.map((relay) => relay.name),
      names,
    ),
  );

  const more = editRelays(text, language, added);
  const all = relaysOf(more, language);
  hold('the others are as before', same(all.slice(0, -1), before));
  const last = all.at(-1);
  hold('the new one is the last', last?.name === 'new-one' && last.host === 'me@host.example:22');
  // Where a comment follows the last entry in brackets, its comma goes before the comment.
  hold('one piece is put in', text.includes('#') || commonEnds(text, more) === text.length);
  hold('added and removed', editRelays(more, language, { kind: 'remove', name: 'new-one' }) === text);

  const name = names[choice % names.length] ?? '';
  const other = editRelays(text, language, { kind: 'rename', name, to: 'other.name' });
  const renamed = before.map((relay) => (relay.name === name ? { ...relay, name: 'other.name' } : relay));
  hold('only the name differs', same(relaysOf(other, language), renamed));
  hold('only the name is written', commonEnds(text, other) >= text.length - name.length);
  hold(
    'renamed there and back',
    editRelays(other, language, { kind: 'rename', name: 'other.name', to: name }) === text,
  );

  if (names.length === 1) return found;
  const less = editRelays(text, language, { kind: 'remove', name });
  hold(
    'the rest stays',
    same(
      relaysOf(less, language),
      before.filter((relay) => relay.name !== name),
    ),
  );
  hold('the comments of others stay', same(less.match(/# kept.*/g), text.match(/# kept.*/g)));
  return found;
}

for (const [language, make] of [
  ['json', randomJson],
  ['yaml', randomYaml],
] as const) {
  test(`300 random ${language} texts keep every byte that an edit is not about`, (t) => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 300; seed += 1) {
      const roll = dice(seed);
      const config = make(roll);
      seen.add(config.text);
      const flaws = broken(config, language, roll(8));
      if (flaws.length > 0) t.fail(`seed ${seed}: ${flaws.join('; ')}\n${config.text}`);
    }
    t.ok(seen.size > 290, `${seen.size} different texts`);
    t.end();
  });
}
