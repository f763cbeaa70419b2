import { test } from 'tap';

import type { Figure } from '../../bench/figure.ts';
import { judge, type Target, targets } from '../../bench/targets.ts';

const figure = (values: Figure['values']): Figure[] => [{ id: 'x', title: 'time', unit: 's', digits: 2, values }];
const atMost: Target = { figure: 'x', to: null, bound: 'at most', limit: 0.5 };
const beside: Target = { figure: 'x', to: 'ssh', bound: 'at least', limit: 1.25 };

test('an absolute target is met up to its limit and not beyond', (t) => {
  t.same(judge(atMost, figure({ towline: 0.5 })), { text: 'time: at most 0.5 s', got: '0.50 s', met: true });
  t.equal(judge(atMost, figure({ towline: 0.51 })).met, false);
  t.end();
});

test('a target beside ssh is held against the ratio', (t) => {
  const well = judge(beside, figure({ towline: 5, ssh: 4 }));
  t.same(well, { text: 'time: at least 1.25x of ssh -N -L', got: '1.25x', met: true });
  t.equal(judge(beside, figure({ towline: 4.9, ssh: 4 })).met, false);
  t.end();
});

test('a crash of towline breaks the target; a contender that is missing leaves it open', (t) => {
  t.same(judge(atMost, figure({ towline: 'failed' })), { text: 'time: at most 0.5 s', got: 'failed', met: false });
  t.equal(judge(beside, figure({ towline: 5, ssh: 'failed' })).met, null);
  t.equal(judge(beside, figure({ ssh: 5 })).met, null);
  t.equal(judge(atMost, []).met, null);
  t.end();
});

test('without the addon less is asked beside aes128-gcm', (t) => {
  const limits = (addon: boolean): number[] =>
    targets(addon)
      .filter(({ to }) => to === 'ssh aes128-gcm')
      .map(({ limit }) => limit);
  t.same(limits(true), [0.75, 0.75]);
  t.same(limits(false), [0.6, 0.6]);
  t.end();
});
