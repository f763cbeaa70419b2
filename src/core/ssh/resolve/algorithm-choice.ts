import { type AlgorithmFamily, assembleAlgorithms, ciphers, keys, kexes, macs } from './algorithm-names.ts';
import { configFault } from './config-fault.ts';
import type { AlgorithmChoice } from './host-config.ts';
import type { Settings } from './settings.ts';

/** The lists that ssh_config sets, with `+`, `-` and `^` applied to ssh's defaults; null where it sets none. */
export function algorithmChoice(settings: Settings): AlgorithmChoice {
  return {
    kex: chosen(settings, 'kexalgorithms', kexes),
    ciphers: chosen(settings, 'ciphers', ciphers),
    macs: chosen(settings, 'macs', macs),
    hostKeys: chosen(settings, 'hostkeyalgorithms', keys),
    hostKeysVerbatim: /^[^+-]/.test(settings.first('hostkeyalgorithms')?.values[0] ?? ''),
    inherited: [
      ...inherited(settings, 'kexalgorithms', kexes),
      ...inherited(settings, 'ciphers', ciphers),
      ...inherited(settings, 'macs', macs),
      ...inherited(settings, 'hostkeyalgorithms', keys),
    ],
  };
}

function inherited(settings: Settings, keyword: string, { defaults }: AlgorithmFamily): readonly string[] {
  const text = settings.first(keyword)?.values[0] ?? '';
  if (!/^[+^-]/.test(text)) return [];
  const written = text.slice(1).split(',');
  return defaults.filter((name) => !written.includes(name));
}

/** Algorithms that a key of ours may sign with (PubkeyAcceptedAlgorithms). */
export function publicKeyAlgorithms(settings: Settings): readonly string[] {
  return chosen(settings, 'pubkeyacceptedalgorithms', keys) ?? keys.defaults;
}

function chosen(settings: Settings, keyword: string, family: AlgorithmFamily): readonly string[] | null {
  const setting = settings.first(keyword);
  if (setting === undefined) return null;
  const names = assembleAlgorithms(setting.values[0] ?? null, family);
  if (names === null || names.length === 0)
    throw configFault(`${setting.at}: ${keyword} leaves no algorithm; correct it`);
  return names;
}
