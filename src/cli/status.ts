import { Fault } from '../core/model/fault.ts';
import type { DaemonStatus } from '../core/model/status.ts';
import type { ControlClient } from '../control/client.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { drawRelay } from './relay-sheet.ts';
import { drawStatus } from './status-table.ts';
import type { Terminal } from './terminal.ts';

/** `towline status [RELAY]` */
export async function status({ given, terminal }: Called): Promise<number> {
  const relay = readText(given, 'relay');
  const json = readFlag(given, 'json');
  const client = connect();
  const draw = (found: DaemonStatus) => (json ? dump(found, relay) : picture(found, relay, terminal));
  if (readFlag(given, 'watch')) return watch(client, draw, terminal);
  terminal.out(draw(await client.status()));
  return 0;
}

function picture(found: DaemonStatus, relay: string | null, { colour, columns, live }: Terminal): string {
  const view = { now: Date.now(), colour, columns };
  if (relay === null) return drawStatus(found, view);
  // A fact a line for programs, however long.
  return drawRelay(pick(found, relay), { ...view, columns: live ? columns : Number.POSITIVE_INFINITY });
}

function dump(found: DaemonStatus, relay: string | null): string {
  return `${JSON.stringify(relay === null ? found : pick(found, relay), null, 2)}\n`;
}

function pick({ relays }: DaemonStatus, name: string): DaemonStatus['relays'][number] {
  const found = relays.find((relay) => relay.name === name);
  if (found !== undefined) return found;
  throw unknownRelay(
    name,
    relays.map((relay) => relay.name),
  );
}

/** On a terminal it is redrawn in place, each second and at each event; elsewhere it is written again at each event. */
async function watch(
  client: ControlClient,
  draw: (found: DaemonStatus) => string,
  terminal: Terminal,
): Promise<number> {
  const { createLogUpdate } = await import('log-update');
  const screen = terminal.live ? createLogUpdate(process.stdout) : null;
  const show = async () => {
    const text = draw(await client.status());
    if (screen === null) terminal.out(text);
    else screen(text);
  };
  const { id } = await client.status();
  await show();
  // A failure ends the event stream as well, and that is reported below.
  const timer = screen === null ? null : setInterval(() => void show().catch(() => undefined), 1_000);
  try {
    for await (const _event of client.events(id, terminal.left)) await show();
  } finally {
    if (timer !== null) clearInterval(timer);
    screen?.done();
  }
  if (terminal.left.aborted) return 0;
  throw new Fault('NOT_RUNNING', 'the daemon has ended; `towline up --detach` starts one');
}
