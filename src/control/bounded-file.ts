import { closeSync, constants, fstatSync, ftruncateSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

/** A file that is appended to and never grows beyond its limit. */
export interface BoundedFile {
  /** Appends at once, so that SIGKILL loses nothing. Never throws. */
  write(line: string): void;
  close(): void;
}

/** What a bounded file is given. */
export interface BoundedFileOptions {
  readonly path: string;
  /** At this size it is renamed to `.1`, in the place of the one before, and begun anew; bytes. */
  readonly limit: number;
  /** Called at the first of several failed writes; what could not be written is counted and lost. */
  readonly trouble: (error: unknown) => void;
  /** Makes the line that tells how many were lost, once writing works again. */
  readonly lost: (count: number) => string;
}

/** Opens nothing before the first line. The daemon goes on when the disk is full: a log is not worth a connection. */
export function openBoundedFile({ path, limit, trouble, lost }: BoundedFileOptions): BoundedFile {
  let fd: number | null = null;
  let missed = 0;

  const append = (text: string) => {
    fd = current(fd, path);
    let { size } = fstatSync(fd);
    if (size > 0 && size + Buffer.byteLength(text) > limit) {
      renameSync(path, `${path}.1`);
      closeSync(fd);
      fd = null;
      fd = open(path);
      size = 0;
    }
    writeWhole(fd, text, size);
  };

  return {
    write: (line) => {
      try {
        append(missed === 0 ? line : lost(missed) + line);
        missed = 0;
      } catch (error) {
        missed += 1;
        if (missed === 1) trouble(error);
      }
    },
    close: () => {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

/** The open file, unless somebody (logrotate, rm) took its name away: then a new one under that name. */
function current(fd: number | null, path: string): number {
  if (fd === null) return open(path);
  const named = statSync(path, { throwIfNoEntry: false });
  if (named?.ino === fstatSync(fd).ino) return fd;
  const next = open(path);
  closeSync(fd);
  return next;
}

function open(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  return openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
}

/** A full disk may take half a line: it is cut off, so that the next one is a line of its own. */
function writeWhole(fd: number, text: string, size: number): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
  } catch (error) {
    if (rest.length < Buffer.byteLength(text)) ftruncateSync(fd, size);
    throw error;
  }
}
