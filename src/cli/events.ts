import { Fault } from '../core/model/fault.ts';
import { createNarrator } from '../control/narrator.ts';
import { readCount, readFlag } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { formatLine } from './log-line.ts';

/** `towline events`: follows until the daemon ends or the reader leaves. */
export async function events({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const wanted = readCount(given, 'after', 0, null);
  const client = connect();
  const after = wanted ?? (await client.status()).id;
  const narrate = createNarrator();
  // What a narrator must have seen first stands in the events before: their lines are told to nobody.
  for await (const event of client.events(json ? after : 0, terminal.left)) {
    const description = narrate(event);
    if (event.id <= after) continue;
    if (json) terminal.out(`${JSON.stringify(event)}\n`);
    else if (description !== null) terminal.out(`${formatLine({ at: event.at, ...description }, terminal)}\n`);
  }
  if (terminal.left.aborted) return 0;
  throw new Fault('NOT_RUNNING', 'the event stream ended with its daemon; `towline up --detach` starts one');
}
