/** A duration for people, rounded down to what matters: `43 ms`, `1.5 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  const seconds = Math.floor(whole / 1_000);
  if (seconds < 10) return `${(Math.floor(whole / 100) / 10).toFixed(1).replace('.0', '')} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? pair(hours, 'h', minutes % 60, 'min') : pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** An age for people in whole seconds, for what is drawn again and again: `0 s`, `12 s`, `4 min 10 s`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds === 0 ? '0 s' : formatDuration(seconds * 1_000);
}

/** A size for people, in powers of 1024: `512 B`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  let size = Math.max(0, bytes);
  let unit = 0;
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  const text = unit === 0 || size >= 10 ? String(Math.floor(size)) : (Math.floor(size * 10) / 10).toFixed(1);
  return `${text} ${units[unit]}`;
}

const units: readonly string[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
