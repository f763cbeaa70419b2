/** What must not grow, of the daemon and all that it started, summed. */
export interface Sizes {
  /** When it was taken, ms since the epoch. */
  readonly at: number;
  /** Resident bytes. */
  readonly rss: number;
  readonly descriptors: number;
  /** Of those, the daemon's own. */
  readonly own: number;
  readonly processes: number;
}

/** A line through sizes: by how much they grow in an hour, and by how much that may be wrong (two standard errors). */
interface Slope {
  readonly perHour: number;
  readonly doubt: number;
}

const mib = 2 ** 20;
const hour = 3_600_000;
/** Of so many samples, over so long a time, ms, a line says more than two of them. */
const enough = 10;
const longEnough = 20 * 60_000;
/**
 * A leak goes on; what a heap still takes in its second half hour becomes less and less. So a line through the second half may rise by a
 * twentieth of all memory in an hour, and by one descriptor: each round of faults is a minute, and would leave more than that.
 */
const mostMemory = 0.05;
const mostDescriptors = 1;
/** A run is held against its own middle too: so much may be noise. A relay that rests there has no link. */
const slack = { share: 1.15, bytes: 32 * mib, own: 4, descriptors: 20 };

const total = { rss: ({ rss }: Sizes) => rss, descriptors: ({ descriptors }: Sizes) => descriptors };

/** What has grown, a sentence each. Node and V8 take what they keep in the first minutes: only the second half counts. Pure. */
export function judgeSizes(sizes: readonly Sizes[]): string[] {
  const second = secondHalf(sizes);
  const [first, last] = [second[0], second.at(-1)];
  if (first === undefined || last === undefined) return [];
  const grown: string[] = [];
  if (last.own > first.own + slack.own) grown.push(`descriptors of the daemon grew from ${first.own} to ${last.own}`);
  if (last.descriptors > first.descriptors + slack.descriptors) {
    grown.push(`descriptors of all processes grew from ${first.descriptors} to ${last.descriptors}`);
  }
  if (last.processes > first.processes) grown.push(`processes grew from ${first.processes} to ${last.processes}`);
  if (last.rss > first.rss * slack.share + slack.bytes) {
    grown.push(`memory grew from ${inMib(first.rss)} to ${inMib(last.rss)} MiB`);
  }
  const lines = { rss: lineThrough(second, total.rss), descriptors: lineThrough(second, total.descriptors) };
  if (lines.rss !== null && lines.rss.perHour - lines.rss.doubt > mostMemory * first.rss) {
    grown.push(`memory grows by ${inMib(lines.rss.perHour)} MiB an hour from ${inMib(first.rss)} MiB`);
  }
  if (lines.descriptors !== null && lines.descriptors.perHour - lines.descriptors.doubt > mostDescriptors) {
    grown.push(`descriptors grow by ${lines.descriptors.perHour.toFixed(1)} an hour from ${first.descriptors}`);
  }
  return grown;
}

/** The lines through the second half, for whoever reads the log of a soak; a short one has none. Pure. */
export function tellSlopes(sizes: readonly Sizes[]): string[] {
  const second = secondHalf(sizes);
  const [rss, descriptors] = [lineThrough(second, total.rss), lineThrough(second, total.descriptors)];
  if (rss === null || descriptors === null) return [];
  const fds = `${descriptors.perHour.toFixed(1)} +- ${descriptors.doubt.toFixed(1)} descriptors`;
  return [
    `the second half, ${second.length} samples: ${inMib(rss.perHour)} +- ${inMib(rss.doubt)} MiB and ${fds} an hour`,
  ];
}

const secondHalf = (sizes: readonly Sizes[]): readonly Sizes[] => sizes.slice(Math.floor(sizes.length / 2));

/** The line of the least squares; null: there are too few samples for one. */
function lineThrough(sizes: readonly Sizes[], of: (size: Sizes) => number): Slope | null {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (sizes.length < enough || last.at - first.at < longEnough) return null;
  const points = sizes.map((one) => ({ x: (one.at - first.at) / hour, y: of(one) }));
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
  const width = sum(points.map((point) => (point.x - x) ** 2));
  const perHour = sum(points.map((point) => (point.x - x) * (point.y - y))) / width;
  const beside = sum(points.map((point) => (point.y - y - perHour * (point.x - x)) ** 2));
  return { perHour, doubt: 2 * Math.sqrt(beside / (points.length - 2) / width) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length;
const inMib = (bytes: number): string => (bytes / mib).toFixed(Math.abs(bytes) < 100 * mib ? 1 : 0);
