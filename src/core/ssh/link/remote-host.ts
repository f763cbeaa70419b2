import type { RemoteHost } from '../../model/remote.ts';
import type { Duplex } from 'node:stream';
import type { Endpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
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
    dial: (target) => dial(link, target),
  };
  return host;
}

/** ssh2 ends a channel that was cut like one that came to its end: half a file would be taken for the whole. */
async function dial(link: Link, target: Endpoint): Promise<Duplex> {
  const channel = await link.dial(target, origin);
  const passage = link.outlet.passage(channel);
  channel.on('end', () => {
    const text = 'the server closed the connection before its target had ended; try it again';
    if (link.wasCut(channel)) passage.destroy(new Fault('CONNECTION_CUT', text));
  });
  passage.once(
    'close',
    link.onLost((fault) => void passage.destroy(fault)),
  );
  return passage;
}
