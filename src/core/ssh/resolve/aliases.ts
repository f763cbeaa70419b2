import SSHConfig, { LineType } from 'ssh-config';
import { nearest } from '../../model/nearest.ts';
import type { HostConfig } from './host-config.ts';
import { readRegularFile } from '../regular-file.ts';

const largest = 1024 * 1024;

/** The host names that an ssh_config declares; patterns and negations name no host. */
export function aliasesIn(text: string): readonly string[] {
  const names = SSHConfig.parse(text).flatMap((line) => {
    if (line.type !== LineType.DIRECTIVE || line.param.toLowerCase() !== 'host') return [];
    const value = Array.isArray(line.value) ? line.value.map((one) => one.val) : line.value.split(/\s+/);
    return value.filter((name) => !/[*?!]/.test(name));
  });
  return [...new Set(names)];
}

/** The alias that was probably meant by a host that no ssh_config declares and no name server knows. */
export async function nearAlias(host: HostConfig): Promise<string | null> {
  const texts = await Promise.all(host.files.map((file) => readRegularFile(file, largest)));
  const known = texts.flatMap((read) => {
    if (!('data' in read)) return [];
    try {
      return aliasesIn(read.data.toString('utf8'));
    } catch {
      // What ssh-config cannot parse suggests nothing; the resolver has read it already, and reports what is wrong.
      return [];
    }
  });
  const near = known.includes(host.alias) ? null : nearest(host.alias, known);
  return near === host.alias ? null : near;
}
