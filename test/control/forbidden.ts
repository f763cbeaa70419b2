/** What a request may have that no path answers, whatever it is: its headers, and the status that refuses it. */
// biome-ignore format: a table is read by its columns
export const forbidden: readonly (readonly [what: string, headers: string, status: number])[] = [
  ['another Host',                'Host: evil.test\r\n',                                          403],
  ['a Host with a port',          'Host: localhost:80\r\n',                                       403],
  ['a Host that begins well',     'Host: localhost.evil.test\r\n',                                403],
  ['a Host with a final dot',     'Host: localhost.\r\n',                                         403],
  ['an address',                  'Host: 127.0.0.1\r\n',                                          403],
  ['two Hosts',                   'Host: towline\r\nHost: towline\r\n',                           403],
  ['no Host',                     '',                                                             400],
  ['an empty Host',               'Host:\r\n',                                                    403],
  ['a foreign Origin',            'Host: towline\r\nOrigin: https://evil.test\r\n',               403],
  ['the null Origin',             'Host: towline\r\nOrigin: null\r\n',                            403],
  ['its own Origin',              'Host: localhost\r\nOrigin: http://localhost\r\n',              403],
  ['a page\'s fetch',             'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n',            403],
  ['a chunked body',              'Host: towline\r\nTransfer-Encoding: chunked\r\n',              411],
  ['a body of 10 GB',             'Host: towline\r\nContent-Length: 10000000000\r\n',             413],
  ['two lengths at once',         'Host: towline\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n', 400],
  ['a header of 20 KB',           `Host: towline\r\nX: ${'x'.repeat(20_000)}\r\n`,                431],
];
