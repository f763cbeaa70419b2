import { createServer, type Socket } from 'node:net';

/**
 * The program that all contenders lead to, a process of its own: `node backend.js PORT`.
 * `GET /one` answers in one write, `GET /two` with header and body in two, `GET /down/N` sends N bytes, `PUT /up/N` eats N bytes.
 */
const chunk = Buffer.alloc(64 * 1024, 'towline ');
const body = 'hello from behind\n';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  let head = '';
  let eat = 0;
  socket.on('data', (data: Buffer) => {
    if (eat > 0) {
      eat -= data.length;
      if (eat <= 0) answer(socket, 'one');
      return;
    }
    head += data.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const [, work, amount] = /^\w+ \/(\w+)(?:\/(\d+))?/.exec(head) ?? [];
    const rest = head.length - end - 4;
    head = '';
    if (work === 'up') eat = Number(amount) - rest;
    else if (work === 'down') pour(socket, Number(amount));
    else answer(socket, work === 'two' ? 'two' : 'one');
  });
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4_096 });

function answer(socket: Socket, kind: 'one' | 'two'): void {
  const header = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
  if (kind === 'one') {
    socket.write(header + body);
    return;
  }
  socket.write(header);
  socket.write(body);
}

function pour(socket: Socket, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      if (!socket.write(part)) return void socket.once('drain', more);
    }
  };
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`, more);
}
