import { startDaemon, type Daemon } from '../daemon.ts';
import { Fault, type FaultReport } from '../core/model/fault.ts';
import type { Event } from '../core/model/event.ts';
import { restOf } from '../core/model/rest.ts';
import { printable } from '../core/model/printable.ts';
import { AskHere } from './ask-here.ts';
import { birthMark, tellBirth } from './detach.ts';
import { mayAskHere } from './may-ask-here.ts';
import { openPrompter } from './prompter.ts';
import { showLines, showTable, type Show } from './show.ts';
import { ServiceManager, takeWatch } from './service-manager.ts';
import { obeySignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** What `up` was told. */
export interface ForegroundOptions {
  readonly config: string | null;
  readonly sshConfig: string | null;
  readonly exitOnFailure: boolean;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** Runs the daemon in this process until somebody ends it. */
export async function runForeground(options: ForegroundOptions): Promise<number> {
  const { config, sshConfig, exitOnFailure, json, terminal } = options;
  const trouble = (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    terminal.err(`towline: the log cannot be written (${printable(text)}); forwarding goes on\n`);
  };
  const watch = takeWatch(process.env, process.pid);
  const prompter = mayAskHere() ? openPrompter() : null;
  const asker = prompter === null ? null : new AskHere(prompter);
  const daemon = await begin({ config, sshConfig, trouble, ...(asker === null ? {} : { attendant: asker }) });
  // Before main's own handler, which ends the process: a bug leaves a line in the log.
  process.prependListener('uncaughtException', (error) => daemon.die(Fault.from(error)));
  let shown: Show | null = null;
  const unheard = (text: string) => terminal.err(`towline: ${text}\n`);
  const manager = watch === null ? null : new ServiceManager(watch, process.env['PATH'] ?? '', unheard);
  manager?.ready(daemon);
  const reload = () => (manager === null ? daemon.reload() : manager.during(() => daemon.reload()));
  const obeyed = obeySignals(daemon, terminal, reload, (text) => shown?.say(text));
  shown = terminal.live && !json ? await showTable(daemon, terminal) : await showLines(daemon, terminal, json);
  asker?.begin({ questions: daemon.questions, pause: shown.pause });
  let failure: FaultReport | null = null;
  if (exitOnFailure) {
    daemon.subscribe(0, (event) => {
      if (failure !== null) return;
      failure = failureIn(event);
      if (failure !== null) void daemon.close('a relay failed, and --exit-on-failure was given');
    });
  }
  await daemon.done;
  manager?.close();
  shown.end();
  prompter?.close();
  obeyed.release();
  if (failure !== null) throw Fault.fromReport(failure);
  return obeyed.code();
}

async function begin(options: Parameters<typeof startDaemon>[0]): Promise<Daemon> {
  const awaited = process.env[birthMark] === '1';
  // Guests and workers, which inherit the environment, are no newborn daemons.
  delete process.env[birthMark];
  try {
    const daemon = await startDaemon(options);
    if (awaited) await tellBirth({ ready: true });
    return daemon;
  } catch (error) {
    const fault = Fault.from(error);
    if (awaited) await tellBirth({ ready: false, fault: fault.report() });
    throw fault;
  }
}

/** ssh's ExitOnForwardFailure, and the first failed attempt as well. Null: no failure. */
function failureIn(event: Event): FaultReport | null {
  switch (event.type) {
    case 'listener.failed':
    case 'plugin.failed':
    case 'worker.ended':
      return event.fault;
    case 'lane.changed':
      return restOf(event.state)?.fault ?? null;
    case 'forward.judged':
      return event.judgement === 'unwell' ? event.fault : null;
    default:
      return null;
  }
}
