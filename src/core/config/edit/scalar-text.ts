/** The languages of a config file. */
export type Language = 'json' | 'yaml';

/** Words and numbers that YAML 1.1 or 1.2 would not read as text. */
const other = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf)$/i;

/** A text as a value of a YAML block: plain where nobody could take it for anything else, in double quotes otherwise. */
export function yamlText(text: string): string {
  const plain = /^[A-Za-z][A-Za-z0-9._@-]*(?::\d+)?$/.test(text) && !other.test(text);
  return plain ? text : JSON.stringify(text);
}

/** A name as a key, in the quotes that the key beside it has. */
export function keyText(name: string, beside: string | null, language: Language): string {
  if (language === 'json' || beside?.startsWith('"') === true) return JSON.stringify(name);
  return beside?.startsWith("'") === true ? `'${name}'` : yamlText(name);
}

/** A new name for a key, in the quotes of the old one. The config's reader takes a plain key as it is written, `80` and `no` too. */
export function renamedKey(name: string, old: string): string {
  if (old.startsWith('"')) return JSON.stringify(name);
  return old.startsWith("'") ? `'${name}'` : name;
}
