/** Words that a keyword takes, and the word that `ssh -G` prints for each. */
export type Choices = Readonly<Record<string, string>>;

// A truth that a table of states holds prints as its first name there; a plain flag prints as yes or no.
const truth = { true: 'true', yes: 'true', false: 'false', no: 'false' } as const;

export const flag: Choices = { true: 'yes', yes: 'yes', false: 'no', no: 'no' };
export const yesNoAsk: Choices = { ...truth, ask: 'ask' };
export const strictHostKey: Choices = { ...yesNoAsk, off: 'false', 'accept-new': 'accept-new' };
export const addKeys: Choices = { ...yesNoAsk, confirm: 'confirm' };
export const addressFamily: Choices = { inet: 'inet', inet6: 'inet6', any: 'any' };
export const controlMaster: Choices = { ...truth, auto: 'auto', ask: 'ask', autoask: 'autoask' };
export const tunnel: Choices = {
  ethernet: 'ethernet',
  'point-to-point': 'point-to-point',
  true: 'point-to-point',
  yes: 'point-to-point',
  false: 'false',
  no: 'false',
};
export const requestTty: Choices = { ...truth, force: 'force', auto: 'auto' };
export const sessionType: Choices = { none: 'none', subsystem: 'subsystem', default: 'default' };
export const canonicalize: Choices = { ...truth, always: 'always' };
export const publicKey: Choices = { ...truth, unbound: 'unbound', 'host-bound': 'host-bound' };
export const compression: Choices = { yes: 'yes', no: 'no' };
export const logLevel: Choices = {
  silent: 'SILENT',
  quiet: 'SILENT',
  fatal: 'FATAL',
  error: 'ERROR',
  info: 'INFO',
  verbose: 'VERBOSE',
  debug: 'DEBUG',
  debug1: 'DEBUG',
  debug2: 'DEBUG2',
  debug3: 'DEBUG3',
};
export const facility: Choices = Object.fromEntries(
  ['DAEMON', 'USER', 'AUTH', 'AUTHPRIV', ...Array.from({ length: 8 }, (_, n) => `LOCAL${n}`)].map((name) => [
    name.toLowerCase(),
    name,
  ]),
);
export const fingerprintHash: Choices = {
  md5: 'MD5',
  sha1: 'SHA1',
  sha256: 'SHA256',
  sha384: 'SHA384',
  sha512: 'SHA512',
};
