import { type AlgorithmFamily, assembleAlgorithms } from './algorithm-names.ts';
import { configFault } from './config-fault.ts';
import { connectionLetters } from './connection-letters.ts';
import type { Resolution } from './resolution.ts';
import type { Setting } from './settings.ts';
import { expandTilde, expandTokens, type Tokens } from './tokens.ts';

/** One line of what `ssh -G` prints, with the place that set it; null for a default. */
export interface DumpLine {
  readonly keyword: string;
  readonly text: string;
  readonly at: string | null;
}

/** What `ssh -G` prints while it is written, in the few forms in which it prints a keyword. */
export class DumpSheet {
  readonly lines: DumpLine[] = [];
  readonly resolution: Resolution;
  readonly tokens: Tokens;

  constructor(resolution: Resolution) {
    this.resolution = resolution;
    this.tokens = { letters: connectionLetters(resolution), env: resolution.options.env };
  }

  line(keyword: string, text: string, at: string | null): void {
    this.lines.push({ keyword, text, at });
  }

  /** `keyword=default` pairs. */
  withDefaults(list: string): void {
    for (const entry of list.split(/\s+/)) {
      const [keyword = '', otherwise = ''] = entry.split('=');
      this.line(keyword, this.value(keyword) ?? otherwise, this.at(keyword));
    }
  }

  /** Texts that are left out where they are not set. */
  texts(list: string): void {
    for (const keyword of list.split(' ')) {
      const setting = this.setting(keyword);
      if (setting !== undefined) this.line(keyword, setting.values[0] ?? '', setting.at);
    }
  }

  /** A text that "none" takes away. */
  text(keyword: string, change: (text: string, at: string) => string = (text) => text): void {
    const text =
      keyword === 'hostkeyalias' || keyword === 'identityagent' ? this.value(keyword) : this.command(keyword);
    const at = this.at(keyword);
    if (text !== undefined && text !== null) this.line(keyword, change(text, at ?? ''), at);
  }

  /** A list with its defaults. */
  algorithms(keyword: string, family: AlgorithmFamily): void {
    const at = this.at(keyword);
    const names = assembleAlgorithms(this.value(keyword) ?? null, family);
    if (names === null) throw configFault(`${at}: ${keyword} leaves no algorithm; correct it`);
    this.line(keyword, names.join(','), at);
  }

  /** Several values on one line, "none" for nothing. */
  oneLine(
    keyword: string,
    otherwise: readonly string[],
    change: (text: string, at: string) => string = (text) => text,
  ): void {
    const setting = this.setting(keyword);
    const values = setting?.values ?? otherwise;
    const left = values[0]?.toLowerCase() === 'none' && keyword.endsWith('knownhostsfile') ? [] : values;
    const shown = left.map((value) => change(value, setting?.at ?? 'default'));
    this.line(keyword, shown.join(' ') || 'none', setting?.at ?? null);
  }

  /** A path with `~`, tokens and variables replaced. */
  path(text: string, at: string): string {
    return expandTokens(expandTilde(text, this.resolution.options.home, at), this.tokens, at);
  }

  /** A text, null where it is not set or "none". */
  command(keyword: string): string | null {
    const text = this.value(keyword);
    return text === undefined || text.toLowerCase() === 'none' ? null : text;
  }

  setting(keyword: string): Setting | undefined {
    return this.resolution.settings.first(keyword);
  }

  value(keyword: string): string | undefined {
    return this.setting(keyword)?.values[0];
  }

  /** Where a keyword was set; null for a default. */
  at(keyword: string): string | null {
    return this.setting(keyword)?.at || null;
  }
}
