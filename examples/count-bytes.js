/** count-bytes: writes into the log how many bytes each client sent and received. */
import { Duplex, Transform } from 'node:stream';

/** @type {import('towline/plugin').Plugin<undefined>} */
export default {
  name: 'count-bytes',
  relay({ relay }) {
    return {
      wrap(client) {
        const count = { sent: 0, received: 0 };
        const up = counter((bytes) => {
          count.sent += bytes;
        });
        const down = counter((bytes) => {
          count.received += bytes;
        });
        client.once('close', () => console.log(`${relay}: ${count.sent} bytes up, ${count.received} bytes down`));
        // Ending `down` ends the client's stream: towline waits for that.
        client.pipe(up);
        down.pipe(client);
        return Duplex.from({ readable: up, writable: down });
      },
      observe(event) {
        if (event.type === 'connection.refused')
          console.log(`${relay}: ${event.count} refused: ${event.fault.message}`);
      },
    };
  },
};

/** Passes everything on, and tells how long each chunk is. */
function counter(count) {
  return new Transform({
    transform(chunk, _encoding, done) {
      count(chunk.length);
      done(null, chunk);
    },
  });
}
