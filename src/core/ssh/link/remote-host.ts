import type { RemoteHost } from '../../model/remote.ts';
import type { Link } from './link.ts';
import { readRemoteFile, writeRemoteFile } from './remote-files.ts';
import { runRemote } from './run-remote.ts';

/** What the host sees as the origin of connections that no client asked for (RFC 4254 section 7.2). */
const origin = { address: '127.0.0.1', port: 0 };

/** The host at the end of a link, for plugins. */
export function remoteHost(link: Link): RemoteHost {
  const { remote } = link.facts;
  const host: RemoteHost = {
    facts: { remote, user: remote.slice(0, remote.lastIndexOf('@')) },
    run: (script, options) => runRemote(link, script, options),
    readFile: (path, options) => readRemoteFile(host, path, options),
    writeFile: (path, data, options) => writeRemoteFile(host, path, data, options),
    dial: async (target) => link.outlet.passage(await link.dial(target, origin)),
  };
  return host;
}
