import type { ChangeFact } from '../core/model/event.ts';

/** How one config differs from another, in words: `added a; removed b; changed c, d; the links of d end`. Pure. */
export function formatChange({ added, removed, changed, ended }: ChangeFact): string {
  const parts = [
    list('added', added),
    list('removed', removed),
    list('changed', changed),
    list('the links of', ended, ended.length > 0 ? ' end' : ''),
  ];
  const said = parts.filter((part) => part !== '').join('; ');
  return said === '' ? 'nothing changed' : said;
}

function list(what: string, names: readonly string[], after = ''): string {
  return names.length === 0 ? '' : `${what} ${names.join(', ')}${after}`;
}
