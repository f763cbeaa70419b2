import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { locateFolders } from '../control/folders.ts';
import { type Arguments, readCount, readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { formatLine, parseLine } from './log-line.ts';
import { relayNames } from './relay-names.ts';
import type { Terminal } from './terminal.ts';

/** `towline logs`: the end of the log file, and with -f what is added to it, through rotations. */
export async function logs({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const count = readCount(given, 'lines', 0, 50);
  const { log } = locateFolders();
  const relay = readText(given, 'relay');
  const show = (line: string) => {
    const parsed = json ? null : parseLine(line);
    terminal.out(`${json ? line : parsed === null ? '' : formatLine(parsed, terminal)}\n`);
  };
  const ofRelay = (line: string) => relay === null || line.includes(`"relay":${JSON.stringify(relay)}`);
  const tail = openTail(log);
  if (tail === null) throw new Fault('NOT_RUNNING', `there is no log at ${log} yet; \`towline up\` writes it`);
  const now = tail.read().filter(ofRelay);
  const lines = now.length >= count ? now : [...older(`${log}.1`).filter(ofRelay), ...now];
  for (const line of count === 0 ? [] : lines.slice(-count)) show(line);
  if (lines.length === 0 && relay !== null) await unseen(relay, given, log, terminal);
  if (readFlag(given, 'follow')) await follow(log, tail, terminal.left, (line) => ofRelay(line) && show(line));
  tail.close();
  return 0;
}

/** A relay that nothing is known of: one that was removed may still be in the log, one that is not even there was never there. */
async function unseen(relay: string, given: Arguments, log: string, terminal: Terminal): Promise<void> {
  const names = await relayNames(given).catch(() => null);
  if (names !== null && !names.includes(relay)) throw unknownRelay(relay, names);
  terminal.err(`nothing in ${log} is about ${printable(relay)}\n`);
}

interface Tail {
  /** Whole lines since the last call. */
  read(): readonly string[];
  /** False once another file has its name. */
  current(): boolean;
  close(): void;
}

function openTail(path: string): Tail | null {
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  } catch (error) {
    // The state folder, or one above it, is none.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return null;
    throw error;
  }
  const fd = openSync(path, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  let rest = Buffer.alloc(0);
  return {
    read: () => {
      const parts = [rest];
      for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) {
        parts.push(Buffer.from(buffer.subarray(0, size)));
      }
      const whole = Buffer.concat(parts);
      const end = whole.lastIndexOf('\n') + 1;
      rest = whole.subarray(end);
      return whole.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    },
    current: () => statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino,
    close: () => closeSync(fd),
  };
}

function older(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

/** Returns when the reader has left. */
function follow(path: string, first: Tail, left: AbortSignal, show: (line: string) => void): Promise<void> {
  let tail = first;
  const name = basename(path);
  return new Promise((resolve) => {
    const look = () => {
      for (const line of tail.read()) show(line);
      if (tail.current()) return;
      const next = openTail(path);
      if (next === null) return;
      if (tail !== first) tail.close();
      tail = next;
      for (const line of tail.read()) show(line);
    };
    const watcher = watch(dirname(path), (_kind, file) => {
      if (file === null || file === name) look();
    });
    // What was written while nobody watched yet.
    look();
    const leave = () => {
      watcher.close();
      if (tail !== first) tail.close();
      resolve();
    };
    left.addEventListener('abort', leave, { once: true });
    if (left.aborted) leave();
  });
}
