/** The demo page: shows the journal, adds to it, and comes back by itself when the connection breaks. */
const token = new URLSearchParams(location.search).get('token') ?? '';
const element = (id) => document.getElementById(id);
const [status, word, journal, empty, form, text, past] = [
  'status',
  'word',
  'journal',
  'empty',
  'form',
  'text',
  'past',
].map(element);

/** Lines that were written but that the journal has not shown back yet: id -> text. */
const unsent = new Map();
let socket = null;
let lostAt = null;
let breaks = 0;
let delay = 250;

function say(state) {
  status.dataset.word = state;
  word.textContent = state;
}

function show(lines) {
  for (const { n, at, id, text: words } of lines) {
    unsent.delete(id);
    const item = document.createElement('li');
    const time = document.createElement('time');
    time.dateTime = new Date(at).toISOString();
    time.textContent = new Date(at).toLocaleTimeString();
    time.title = `line ${n}`;
    const said = document.createElement('span');
    said.textContent = words;
    item.append(time, said);
    journal.append(item);
  }
  empty.hidden = journal.childElementCount > 0;
}

function flush() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  // A line whose answer was lost is sent again; the backend knows it by its id and does not write it twice.
  for (const [id, words] of unsent) socket.send(JSON.stringify({ type: 'line', id, text: words }));
}

function open() {
  socket = new WebSocket(`ws://${location.host}/`, ['mains.v1', `mains.token.${token}`]);
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'line') return show([message.line]);
    // The journal comes first on each connection: only now is the backend known to be there.
    journal.replaceChildren();
    show(message.lines);
    say('connected');
    delay = 250;
    if (lostAt !== null) {
      breaks += 1;
      const took = ((performance.now() - lostAt) / 1000).toFixed(2);
      past.textContent = `The link broke ${breaks === 1 ? 'once' : `${breaks} times`}; the last time it was back after ${took} s.`;
      lostAt = null;
    }
    flush();
  });
  socket.addEventListener('close', () => {
    lostAt ??= performance.now();
    say('reconnecting');
    setTimeout(open, delay);
    delay = Math.min(delay * 2, 10_000);
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const line = text.value.trim();
  if (line === '') return;
  text.value = '';
  unsent.set(crypto.randomUUID(), line);
  flush();
});

say('connecting');
open();
