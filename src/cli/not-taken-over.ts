import { loadConfig } from '../core/config/load.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { shellWord } from '../core/model/shell-word.ts';
import { foundFile, isSame } from './config-place.ts';
import { connect } from './connect.ts';

/**
 * What to say of a relay that the daemon does not know: a config may have it that the daemon has not taken over, or never will. One that a
 * command did not find in its config may stand in the daemon's. Never rejects.
 */
export async function notTakenOver(fault: Fault): Promise<Fault> {
  const name = String(fault.detail['relay'] ?? '');
  try {
    const { pid, config } = await connect().version();
    const tell = (text: string) => new Fault('RELAY_UNKNOWN', text, { cause: fault, detail: fault.detail });
    const stands = (file: string) => `relay "${printable(name)}" stands in ${printable(file)}`;
    const { file } = fault.detail;
    if (typeof file === 'string') {
      if (isSame(file, config) || !hasRelay(config, name)) return fault;
      const where = `is not in ${printable(file)} but in ${printable(config)}, which the running daemon (pid ${pid}) has`;
      return tell(`relay "${printable(name)}" ${where}; add \`--config ${printable(shellWord(config))}\``);
    }
    if (hasRelay(config, name))
      return tell(
        `${stands(config)}, and the running daemon (pid ${pid}) has not taken it over; \`towline reload\` does it`,
      );
    const here = foundFile();
    if (here === null || isSame(here, config) || !hasRelay(here, name)) return fault;
    return tell(
      `${stands(here)}, and the running daemon (pid ${pid}) has another config, ${printable(config)}; add it there`,
    );
  } catch {
    // No daemon runs.
    return fault;
  }
}

function hasRelay(file: string, name: string): boolean {
  try {
    return loadConfig(file).relays.some((relay) => relay.name === name);
  } catch {
    // What is wrong with it `towline check` says.
    return false;
  }
}
