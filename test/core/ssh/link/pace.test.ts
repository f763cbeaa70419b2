import { test } from 'tap';
import { Pace } from '../../../../src/core/ssh/link/pace.ts';

/**
 * A link of this rate (bytes a ms) and way (ms there and back), on which somebody writes all that he may;
 * the clock is the test's.
 */
function linkOf(way: number) {
  let now = 0;
  let clear = 0;
  let waits = false;
  const due: { at: number; answered: () => void }[] = [];
  const link = {
    rate: 125,
    way,
    sent: 0,
    longest: 0,
    run(ms: number): void {
      for (const end = now + ms; now < end; now += 1) {
        while (due[0] !== undefined && due[0].at <= now) due.shift()?.answered();
        while (!waits && pace.room > 0) {
          const bytes = Math.min(pace.room, 32 * 1024);
          clear = Math.max(clear, now) + bytes / link.rate;
          link.sent += bytes;
          pace.gave(bytes);
        }
        if (!waits) {
          waits = true;
          pace.onceAnswered(() => {
            waits = false;
          });
        }
        link.longest = Math.max(link.longest, clear - now);
      }
    },
  };
  const pace = new Pace(
    () => due.push({ at: Math.max(clear, now) + link.way, answered: pace.asked() }),
    () => now,
  );
  // As the one that goes with each opening of a channel.
  const answered = pace.asked();
  now += way;
  answered();
  return { link, pace };
}

test('what waits on a narrow link stays short, and the link busy', (t) => {
  const { link } = linkOf(10);
  link.run(2_000);
  link.sent = 0;
  link.longest = 0;
  link.run(10_000);
  t.ok(link.longest < 600, `${link.longest} ms`);
  t.ok(link.sent > 0.9 * 10_000 * link.rate, `${link.sent} bytes`);
  t.end();
});

test('a link that becomes a thousand times as fast is used, and one that becomes slow again is spared', (t) => {
  const { link } = linkOf(40);
  link.run(5_000);
  link.rate = 125_000;
  link.run(2_000);
  link.sent = 0;
  link.run(1_000);
  t.ok(link.sent > 0.9 * 1_000 * link.rate, `${link.sent} bytes`);
  link.rate = 12_500;
  link.run(20_000);
  link.longest = 0;
  link.run(5_000);
  t.ok(link.longest < 600, `${link.longest} ms`);
  t.end();
});

test('a way that becomes much longer while the link is busy is used again, and when it is short again no more than before waits', (t) => {
  const { link } = linkOf(10);
  link.rate = 12_500;
  link.run(10_000);
  link.way = 800;
  link.run(60_000);
  link.sent = 0;
  link.run(60_000);
  t.ok(link.sent > 0.5 * 60_000 * link.rate, `${link.sent / 60_000} bytes a ms`);
  link.way = 10;
  link.run(20_000);
  link.longest = 0;
  link.run(20_000);
  t.ok(link.longest < 600, `${link.longest} ms`);
  t.end();
});

test('on a line too narrow for what may be on the way at least, little more than that waits, and seldom', (t) => {
  const { link } = linkOf(10);
  link.rate = 16;
  link.run(60_000);
  const longest: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    link.longest = 0;
    link.run(1_000);
    longest.push(link.longest);
  }
  t.ok(Math.max(...longest) < 4_500, `${Math.max(...longest)} ms`);
  const long = longest.filter((ms) => ms > 2_300).length;
  t.ok(long < 60, `longer than at least in ${long} of 300 seconds`);
  t.end();
});

test('a server that never answers pings is not paced', (t) => {
  let now = 0;
  const pace = new Pace(
    () => void pace.asked(),
    () => now,
  );
  pace.gave(1024 * 1024);
  pace.came(1024 * 1024);
  now += 10_000;
  t.ok(pace.room > 1024 * 1024);
  t.equal(pace.first(256 * 1024, now), 256 * 1024);
  t.equal(pace.grant({}, 256 * 1024, now), 512 * 1024);
  t.end();
});

test('readers of a slow link have equal parts of what it carries, and a new one begins with no more', (t) => {
  let now = 0;
  const asked: (() => void)[] = [];
  const pace = new Pace(
    () => asked.push(pace.asked()),
    () => now,
  );
  pace.asked()();
  const [one, two] = [{}, {}];
  t.equal(pace.first(256 * 1024, now), 256 * 1024);
  let grants: number[] = [64 * 1024, 256 * 1024];
  for (let n = 0; n < 40; n += 1) {
    now += 20;
    // 64 KiB in half a second.
    pace.came(64 * 1024);
    now += 480;
    grants = [pace.grant(one, grants[0] ?? 0, now), pace.grant(two, grants[1] ?? 0, now)];
    asked.shift()?.();
  }
  const [first = 0, second = 0] = grants;
  t.equal(first, second);
  t.ok(first + second <= 64 * 1024, `${first}`);
  t.ok(pace.first(256 * 1024, now) <= first, `${pace.first(256 * 1024, now)}`);
  t.end();
});

test('beside an upload that holds pings up a download is free to show that more comes', (t) => {
  const part = (up: number) => {
    let now = 0;
    const pace = new Pace(
      () => undefined,
      () => now,
    );
    pace.asked()();
    let granted = 1024 * 1024;
    for (let n = 0; n < 20; n += 1) {
      pace.gave(up);
      const answered = pace.asked();
      pace.came(320 * 1024);
      now += 1_200;
      answered();
      granted = pace.grant({}, granted, now);
    }
    return granted / 1024;
  };
  const [none, some, much] = [part(32 * 1024), part(480 * 1024), part(3_200 * 1024)];
  t.ok(
    Math.abs(some / none - 1.5) < 0.01,
    `${some} KiB beside an upload of half as much again, ${none} beside a small one`,
  );
  t.ok(Math.abs(much / none - 2) < 0.01, `${much} KiB: twice what came at most`);
  t.end();
});
