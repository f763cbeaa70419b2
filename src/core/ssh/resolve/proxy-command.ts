import { Fault } from '../../model/fault.ts';
import { checkHost, checkShellUser } from './host-name.ts';
import { expandTokens } from './tokens.ts';

/** What the tokens of a ProxyCommand stand for. */
export interface ProxyValues {
  /** `%h`: HostName. */
  readonly hostName: string;
  /** `%n`: the host as it was named. */
  readonly named: string;
  /** `%p` */
  readonly port: number;
  /** `%r`: the user to log in as. */
  readonly user: string;
  /** HostKeyAlias: `%k`, which is `%n` where there is none. */
  readonly hostKeyAlias: string | null;
}

/** A text of ssh_config with its file:line. */
interface Written {
  readonly text: string;
  readonly at: string;
}

/**
 * Expands a ProxyCommand: %% %h %k %n %p %r and no `${NAME}`, which is left to the shell, as ssh does it. What a token stands for reaches
 * a shell: it is checked against the allow-lists, though ssh takes odd names from its config. Throws HOST_INVALID or SSH_CONFIG_INVALID.
 */
export function expandProxyCommand({ text, at }: Written, values: ProxyValues): string {
  const { hostName, named, port, user, hostKeyAlias } = values;
  const from = `${at}: ProxyCommand: `;
  for (const host of [hostName, named, hostKeyAlias ?? named]) checkHost(host, from);
  checkShellUser(user, text, from);
  if (/[\0\r\n]/.test(text)) {
    throw new Fault('SSH_CONFIG_INVALID', `${from}it has a control character; correct it`);
  }
  const letters = { h: hostName, k: hostKeyAlias ?? named, n: named, p: String(port), r: user };
  return expandTokens(text, { letters, env: null }, at);
}

/** `ProxyUseFdpass yes`: the command would hand over a connected socket, which Node cannot take. */
export function fdpassFault(at: string): Fault {
  const text = `${at}: ProxyUseFdpass yes is not supported: towline takes the connection over the command's stdin and stdout only; set it to no`;
  return new Fault('SSH_CONFIG_INVALID', text);
}
