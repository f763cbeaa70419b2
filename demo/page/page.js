/** The demo page: a journal that a backend keeps, over `towline/client`, which comes back by itself when the connection breaks. */
import { connectRelay } from '/client/browser.js';

const element = (id) => document.getElementById(id);
const [status, word, trouble, pair, token, journal, empty, form, text, cut, past] = [
  'status',
  'word',
  'trouble',
  'pair',
  'token',
  'journal',
  'empty',
  'form',
  'text',
  'break',
  'past',
].map(element);

/** Lines that the journal has not shown back yet: id -> { item, message, sent }. */
const unconfirmed = new Map();
let journalIsWhole = null;
let lostAt = null;

/**
 * It comes behind a #, which no browser sends to a server, and leaves the address bar at once, so that nobody copies or bookmarks it; the tab
 * remembers it over a reload.
 */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return sessionStorage.getItem('token');
  sessionStorage.setItem('token', given);
  history.replaceState(null, '', location.pathname);
  return given;
}

const relay = connectRelay({
  token: takeToken(),
  onMessage: hear,
  onStatus: show,
  // The backend sends its journal first on each connection, so that nothing has to be asked for.
  async refetch({ send }) {
    await new Promise((resolve) => {
      journalIsWhole = resolve;
    });
    // What was sent and never came back may be lost. The backend knows a line by its id and does not write it twice.
    for (const { message, sent } of unconfirmed.values()) if (sent) send(message);
  },
  // A page is not told why a handshake failed; this tells a wrong token from a link that is away.
  async hint({ token: tried, signal }) {
    const headers = { Authorization: `Bearer ${tried}` };
    return (await fetch('/paired', { headers, signal })).status;
  },
});

function hear(data) {
  const message = JSON.parse(data);
  if (message.type === 'line') return confirm(message.line);
  journal.replaceChildren();
  empty.hidden = message.lines.length + unconfirmed.size > 0;
  for (const line of message.lines) confirm(line);
  for (const { item } of unconfirmed.values()) journal.append(item);
  journalIsWhole?.();
}

function confirm(line) {
  const known = unconfirmed.get(line.id);
  unconfirmed.delete(line.id);
  known?.item.remove();
  const item = drawLine(new Date(line.at), line.text);
  item.title = `line ${line.n}`;
  // What is not confirmed stays below what is.
  const [first] = unconfirmed.values();
  if (first?.item.isConnected) first.item.before(item);
  else journal.append(item);
  empty.hidden = true;
}

function drawLine(at, words) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleTimeString();
  const said = document.createElement('span');
  said.textContent = words;
  item.append(time, said);
  return item;
}

function show(now) {
  status.dataset.word = now.word;
  word.textContent = now.word;
  cut.disabled = now.word !== 'connected';
  trouble.hidden = now.word === 'connected' || now.fault === null;
  trouble.textContent = now.fault?.message ?? '';
  pair.hidden = now.fault?.code !== 'TOKEN_REFUSED';
  if (now.word === 'connected') {
    if (lostAt !== null) note(`back after ${((performance.now() - lostAt) / 1000).toFixed(2)} s`);
    else note('connected');
    lostAt = null;
    for (const line of unconfirmed.values()) line.sent = true;
  } else if (now.word !== 'offline' && now.fault !== null && now.retryAt !== null) {
    lostAt ??= performance.now();
    note(`${now.fault.code}; next attempt in ${((now.retryAt - Date.now()) / 1000).toFixed(1)} s`);
  } else if (now.word === 'offline' && now.fault !== null) {
    note(now.fault.code);
  }
}

function note(what) {
  past.prepend(drawLine(new Date(), what));
  while (past.childElementCount > 8) past.lastElementChild.remove();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const line = text.value.trim();
  if (line === '') return;
  const id = crypto.randomUUID();
  const message = JSON.stringify({ type: 'line', id, text: line });
  try {
    const sent = relay.send(message) === 'sent';
    const item = drawLine(new Date(), line);
    item.className = 'waiting';
    journal.append(item);
    unconfirmed.set(id, { item, message, sent });
    empty.hidden = true;
    text.value = '';
  } catch (error) {
    // The queue is full: the line stays in its field.
    trouble.hidden = false;
    trouble.textContent = error.message;
  }
});

cut.addEventListener('click', () => relay.send('{"type":"break"}'));

pair.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', token.value.trim());
  relay.retry(token.value.trim());
  token.value = '';
});
