/** Each invalid fixture and all that is wrong with it: line:column, path and message of each problem, in order. */
// biome-ignore format: a table is read by its columns
export const invalid: Readonly<Record<string, readonly string[]>> = {
  'alias-bomb.yaml': [
    '1:32 too many values',
  ],
  'alias-cycle.yaml': [
    '2:7 the nesting is too deep',
  ],
  'alias-unknown.yaml': [
    '2:7 this alias names no anchor above it',
  ],
  'backend-session-lanes.json': [
    '12:23 relays.db.plugins[0].lifetime: a backend of lifetime "session" ends with its link, and 2 lanes are two links',
  ],
  'backend-unreached-auto.json': [
    '9:9 relays.db.plugins[0]: a backend is launched, but no forward leads to it',
  ],
  'backend-unreached.json': [
    '12:19 relays.db.plugins[0]: a backend is launched on port 4096, but no forward leads there',
  ],
  'backtracking-pattern.json': [
    '11:22 relays.db.plugins[0].pattern: this pattern is refused: it repeats a group that itself repeats or has alternatives',
  ],
  'bom.json': [
    '1:1 the file begins with a byte order mark',
  ],
  'comment.json': [
    '2:3 a comment is not JSON (a .yaml file may have comments)',
  ],
  'constructor-key.yaml': [
    '5:5 relays.db.constructor: this key is not allowed',
    '5:20 relays.db.constructor.prototype: this key is not allowed',
  ],
  'control-character.json': [
    '1:17 a control character stands in a string',
  ],
  'directive.yaml': [
    '1:1 a %YAML directive is not allowed; leave it out',
  ],
  'duplicate-key.json': [
    '4:5 relays.db: this key was given before, in line 3',
  ],
  'duplicate-key.yaml': [
    '3:3 relays.db: this key was given before, in line 2',
  ],
  'duration-too-long.json': [
    '8:16 relays.db.drain: 11m is too large',
  ],
  'duration-without-unit.json': [
    '8:17 relays.db.settle: "30" is not a duration',
  ],
  'dynamic-target-short.json': [
    '6:9 relays.db.forwards[0]: "1080:db:80" is nothing to listen on',
  ],
  'dynamic-target.json': [
    '9:11 relays.db.forwards[0].target: unknown key',
  ],
  'empty.json': [
    '1:1 the file is empty',
  ],
  'empty.yaml': [
    '1:1 the file is empty',
  ],
  'exponent-port.json': [
    '1:66 relays.db.forwards[0].listen: 8e3 is not a plain number',
  ],
  'forward-kind-short.json': [
    '6:9 relays.db.forwards[0]: "reverse" is a name, and a forward listens on an address',
  ],
  'forward-kind.json': [
    '7:19 relays.db.forwards[0].kind: "reverse" is not allowed',
  ],
  'forwards-empty.json': [
    '5:19 relays.db.forwards: an empty list is too small',
  ],
  'health-body.json': [
    '11:21 relays.db.forwards[0].health.body: "" is too small',
    '19:13 relays.db.forwards[1].health.body: unknown key',
  ],
  'health-kind.json': [
    '10:21 relays.db.forwards[0].health.kind: "https" is not allowed',
  ],
  'health-path-of-tcp.json': [
    '11:13 relays.db.forwards[0].health.path: unknown key',
  ],
  'health-timeout.json': [
    '12:24 relays.db.forwards[0].health.timeout: a timeout of 3 s is longer than the 2 s between two checks',
  ],
  'hexadecimal-port.yaml': [
    '2:44 relays.db.forwards[0].listen: 0x50 is not a plain number',
  ],
  'host-missing.json': [
    '1:21 relays.db.host: this key is missing',
  ],
  'host-with-dash.json': [
    '4:15 relays.db.host: "-oProxyCommand=touch x" begins with "-", as an option of ssh would',
  ],
  'host-with-newline.json': [
    '4:15 relays.db.host: a control character is not allowed in a host ("user\\nid@devbox")',
  ],
  'host-with-semicolon.json': [
    '4:15 relays.db.host: the character ";" is not allowed in a host ("a;b")',
  ],
  'host-with-subshell.json': [
    '4:15 relays.db.host: the character "$" is not allowed in a host ("a$(id)")',
  ],
  'keepalive-word.json': [
    '8:20 relays.db.keepalive: "slow" is not allowed',
  ],
  'lone-surrogate.json': [
    '4:15 relays.db.host: half of a surrogate pair stands alone',
  ],
  'many-at-once.json': [
    '2:16 sshConfig: 5 is not allowed',
    '3:3 relay: unknown key -> relays',
    '4:26 defaults.lanes: 9 is too large',
    '4:47 defaults.hold.time: "1d" is not a duration',
    '6:5 relays["a b"]: "a b" is not a relay name',
    '6:22 relays["a b"].host: the character ";" is not allowed in a host ("x;y")',
    '6:41 relays["a b"].forwards: an empty list is too small',
    '7:11 relays.db.host: this key is missing',
    '7:13 relays.db.hosts: unknown key -> host',
    '7:65 relays.db.forwards[1].listen: other machines could connect to 0.0.0.0:5432',
    '7:65 relays.db.forwards[1].listen: 0.0.0.0:5432 is taken by relays.db.forwards[0] in line 7',
    '7:91 relays.db.forwards[1].target: the target "backend" needs a plugin that launches one, and the relay uses none',
    '7:112 relays.db.forwards[1].health: "ping" is not allowed',
  ],
  'memory-too-small.json': [
    '8:17 relays.db.memory: 1MiB is too small',
  ],
  'merge-key.yaml': [
    '1:1 base: unknown key',
    '3:7 relays.db.host: this key is missing',
    '3:9 relays.db["<<"]: unknown key',
  ],
  'name-too-long.json': [
    '3:5 relays["dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd..."]: "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd..." is not a relay name',
  ],
  'name-with-emoji.json': [
    '3:5 relays["\\u{1f418}"]: "\\u{1f418}" is not a relay name',
  ],
  'name-with-slash.json': [
    '3:5 relays["../../db"]: "../../db" is not a relay name',
  ],
  'nan.json': [
    '8:16 NaN is not JSON',
  ],
  'nan.yaml': [
    '2:50 relays.db.lanes: .nan is not a plain number',
  ],
  'no-relay.json': [
    '1:13 relays: there is no relay',
  ],
  'not-an-address.json': [
    '7:21 relays.db.forwards[0].listen: "devbox" is a name, and a forward listens on an address',
  ],
  'not-an-object.json': [
    '1:1 a list is not allowed',
  ],
  'not-loopback-remote.json': [
    '8:21 relays.db.forwards[0].listen: other machines could connect to 0.0.0.0:9000',
    '11:9 relays.db.forwards[1]: other machines could connect to 0.0.0.0:9001',
  ],
  'not-loopback-short.json': [
    '6:9 relays.db.forwards[0]: other machines could connect to [::]:8080',
  ],
  'not-loopback.json': [
    '7:21 relays.db.forwards[0].listen: other machines could connect to 0.0.0.0:8080',
  ],
  'not-utf8.json': [
    '2:17 the file is not UTF-8 from here on',
  ],
  'null-port.json': [
    '7:21 relays.db.forwards[0].listen: null is not allowed',
  ],
  'number-forward.yaml': [
    '2:30 relays.db.forwards[0]: 5432 is a number, and a forward is a text',
    '2:36 relays.db.forwards[1]: "22:22" names no host to dial',
  ],
  'octal-port.yaml': [
    '2:44 relays.db.forwards[0].listen: 0100 is not a plain number',
  ],
  'password-in-host.yaml': [
    '2:14 relays.a.host: a password stands in "root:***@db.example"',
    '3:14 relays.b.host: a password stands in "ssh://root:***@db.example:22"',
    '4:14 relays.c.host: a password stands in "ssh://:***@db.example"',
  ],
  'plugin-path.json': [
    '9:9 relays.db.plugins[0]: "data:text/javascript,1" is not allowed',
  ],
  'port-70000.json': [
    '7:21 relays.db.forwards[0].listen: port 70000 is out of range',
  ],
  'port-negative.json': [
    '7:21 relays.db.forwards[0].listen: -1 is not a port',
  ],
  'port-of-host.json': [
    '4:15 relays.db.host: "70000" is not a port',
  ],
  'proto-key.json': [
    '1:15 relays.__proto__: this key is not allowed',
  ],
  'remote-health.json': [
    '10:11 relays.db.forwards[0].health: unknown key',
  ],
  'secret-keys.yaml': [
    '2:20 relays.web.token: a token does not stand in the config',
    '2:36 relays.web.password: a password does not stand in the config',
  ],
  'secret-number.json': [
    '11:23 relays.db.plugins[0].password: this is not a plain number',
  ],
  'secret-value.json': [
    '15:9 relays.db.hold.secret: unknown key',
  ],
  'shared-with-two-lanes.json': [
    '8:16 relays.db.lanes: 2 lanes cannot share one link: isolation is "shared"',
  ],
  'socket-path-too-long.json': [
    '7:21 relays.db.forwards[0].listen: the socket path is 108 bytes long',
  ],
  'ssh-word.json': [
    '5:7 relays.db.port: unknown key, which belongs into ssh_config, beside the Host',
    '6:7 relays.db.user: unknown key, which belongs into ssh_config, beside the Host',
  ],
  'tab.yaml': [
    '2:1 a tab indents this line; use spaces',
  ],
  'tag.yaml': [
    '2:7 this tag is not allowed; tags are not used in a config',
  ],
  'target-backend.json': [
    '8:21 relays.db.forwards[0].target: the target "backend" needs a plugin that launches one, and the relay uses none',
  ],
  'target-odd-number.json': [
    '8:21 relays.db.forwards[0].target: "2130706433" is not a host name or address',
  ],
  'target-port-0.json': [
    '6:9 relays.db.forwards[0]: port 0 is out of range',
  ],
  'target-without-host.json': [
    '6:9 relays.db.forwards[0]: "8080:80" names no host to dial',
  ],
  'trailing-comma.json': [
    '3:51 a comma before this "]" is not JSON',
  ],
  'truncated.json': [
    '3:1 the file ends too early',
  ],
  'two-documents.yaml': [
    '2:1 a second document begins here; one file is one config',
  ],
  'two-forwards-one-port.json': [
    '8:21 relays.db.forwards[1].listen: localhost:8080 is taken by relays.db.forwards[0] in line 6',
  ],
  'two-relays-one-port.json': [
    '13:21 relays.two.forwards[0].listen: 0.0.0.0:8080 is taken by relays.one.forwards[0] in line 6',
  ],
  'two-relays-one-socket.yaml': [
    '3:30 relays.two.forwards[0]: unix:/run/x/../x/s is taken by relays.one.forwards[0] in line 2',
  ],
  'two-remotes-one-port.json': [
    '12:9 relays.web.forwards[0]: 127.0.0.1:9000 is taken by relays.db.forwards[0] in line 6',
  ],
  'unclosed-quote.yaml': [
    '3:1 a character is missing: a closing quote or bracket, a comma, a colon or a space',
    '3:1 the indentation does not fit the lines around it',
  ],
  'unknown-key.json': [
    '7:11 relays.db.forwards[0].liste: unknown key -> listen',
  ],
  'utf16-without-mark.yaml': [
    '1:1 the file is UTF-16',
  ],
  'utf16.json': [
    '1:1 the file is UTF-16',
  ],
  'yes.yaml': [
    '2:50 relays.db.start: "yes" is not allowed',
  ],
  'zero-byte.json': [
    '1:18 a zero byte stands in the file',
  ],
};
