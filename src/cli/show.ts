import type { Daemon } from '../daemon.ts';
import { createLineWriter } from '../control/log.ts';
import { createNarrator } from '../control/narrator.ts';
import { formatLine } from './log-line.ts';
import { drawStatus } from './status-table.ts';
import { paint, type Terminal } from './terminal.ts';
import { foldLines } from './wrap-text.ts';

/** What `up` shows while the daemon runs. */
export interface Show {
  /** Shows a sentence that is no event. */
  say(text: string): void;
  /** Leaves the terminal to somebody else; the returned function takes it back, and shows what happened meanwhile. */
  pause(): () => void;
  end(): void;
}

/** One line for each thing that happened: for pipes, journals and `--json`. */
export async function showLines(daemon: Daemon, terminal: Terminal, json: boolean): Promise<Show> {
  if (json) {
    const lines = createLineWriter({ write: (line) => void terminal.out(line) }, verbose());
    const unsubscribe = daemon.subscribe(0, lines.tell);
    return { say: (text) => terminal.err(`towline: ${text}\n`), pause: () => () => undefined, end: unsubscribe };
  }
  const held = new HeldLines((line) => void terminal.out(`${line}\n`));
  const unsubscribe = daemon.subscribe(0, tellLines(held.write, terminal));
  return { say: (text) => held.write(foldLines(text, terminal.room)), pause: held.pause, end: unsubscribe };
}

/** The live table at the bottom, what happened above it. */
export async function showTable(daemon: Daemon, terminal: Terminal): Promise<Show> {
  const { createLogUpdate } = await import('log-update');
  const screen = createLogUpdate(process.stdout);
  const held = new HeldLines((line) => {
    if (!terminal.left.aborted) screen.persist(line);
  });
  const redraw = () => {
    if (terminal.left.aborted || held.paused) return;
    const status = daemon.status();
    const text = status.stopping ? 'Ctrl-C ends it now' : 'Ctrl-C drains open connections, then ends';
    const hint = paint(text, 'quiet', terminal.colour);
    const table = drawStatus(status, { now: Date.now(), colour: terminal.colour, columns: terminal.columns });
    screen(`\n${table}\n${hint}`);
  };
  const unsubscribe = daemon.subscribe(0, tellLines(held.write, terminal));
  redraw();
  const timer = setInterval(redraw, 500);
  return {
    say: (text) => held.write(foldLines(text, terminal.room)),
    pause: () => {
      screen.clear();
      screen.done();
      const resume = held.pause();
      return () => {
        resume();
        redraw();
      };
    },
    end: () => {
      clearInterval(timer);
      unsubscribe();
      screen.clear();
      screen.done();
    },
  };
}

/** Lines that wait while the terminal is somebody else's. */
class HeldLines {
  readonly #out: (line: string) => void;
  #held: string[] | null = null;

  constructor(out: (line: string) => void) {
    this.#out = out;
  }

  get paused(): boolean {
    return this.#held !== null;
  }

  readonly write = (line: string): void => {
    if (this.#held === null) this.#out(line);
    else this.#held.push(line);
  };

  readonly pause = (): (() => void) => {
    this.#held ??= [];
    return () => {
      const held = this.#held ?? [];
      this.#held = null;
      for (const line of held) this.#out(line);
    };
  };
}

function tellLines(write: (line: string) => void, terminal: Terminal): Parameters<Daemon['subscribe']>[1] {
  const narrate = createNarrator();
  return (event) => {
    const description = narrate(event);
    if (description === null || (description.level === 'debug' && !verbose())) return;
    write(formatLine({ at: event.at, ...description }, terminal));
  };
}

function verbose(): boolean {
  return process.env['TOWLINE_DEBUG'] === '1';
}
