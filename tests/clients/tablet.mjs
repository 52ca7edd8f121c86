// A tablet in a kitchen, as a program: `node tablet.mjs hub office token resumes`. It connects, says
// `on`, and answers one line for each that it reads: `shows n` when that many orders are on its
// screen or a minute has passed, `tell` with what it has seen.

import { createInterface } from 'node:readline';

import * as signalR from '@microsoft/signalr';

/** How many milliseconds to wait for orders. */
const PATIENCE = 60_000;

const [hub, office, token, resumes] = process.argv.slice(2);
const isResuming = resumes === 'true';

/** What is on the screen: the number of each order by the id of its notification. */
const screen = new Map();
const seen = { doubled: 0, behind: 0, fetched: 0, reconnected: 0, resumed: 0 };
const places = {};
let last = '';
let resuming;

/** Questions that are answered later: a condition and an answer. */
const open = [];

function look() {
  for (let index = open.length - 1; index >= 0; index -= 1) {
    if (open[index]()) {
      open.splice(index, 1);
      console.log('yes');
    }
  }
}

function show({ id, data }) {
  const number = Number(data.tableNumber);
  if (screen.get(number)) {
    seen.doubled += 1;
    return;
  }
  if (id < last) {
    seen.behind += 1;
  }
  last = id;
  screen.set(number, id);
}

/** Asks the office for everything: what it knows and was not told here comes without an id. */
async function fetchAll() {
  seen.fetched += 1;
  const orders = await (await fetch(`${office}/orders`)).json();
  for (const number of orders) {
    if (!screen.has(number)) {
      screen.set(number, '');
    }
  }
}

const connection = new signalR.HubConnectionBuilder()
  .withUrl(`${hub}/hubs/notifications${isResuming ? '?resume=true' : ''}`, {
    accessTokenFactory: () => token,
    transport: signalR.HttpTransportType.WebSockets,
    skipNegotiation: true,
  })
  .withServerTimeout(2_000)
  .withKeepAliveInterval(500)
  .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 50 + Math.random() * 100 })
  .configureLogging(signalR.LogLevel.None)
  .build();

async function resume() {
  for (let more = isResuming; more; ) {
    more = false;
    for (const [channel, answer] of Object.entries(await connection.invoke('Resume', places))) {
      if (answer.lost) {
        await fetchAll();
      }
      answer.notifications.forEach((missed) => {
        seen.resumed += 1;
        show(missed);
      });
      if (answer.position) {
        places[channel] = answer.position;
      }
      more ||= answer.more;
    }
  }
}

/** A connection that breaks while it resumes resumes when it is back. */
function resumeAtLast() {
  resuming = resume().catch(() => {});
  return resuming;
}

connection.on('NewOrder', async (notification) => {
  await resuming;
  places[notification.channel] = notification.id;
  show(notification);
  look();
});
connection.on('Lost', async () => {
  if (isResuming) {
    await fetchAll();
    look();
  }
});
connection.onreconnected(async () => {
  await resumeAtLast();
  seen.reconnected += 1;
  look();
});
connection.onclose((error) => {
  console.error('closed for good', error);
  process.exit(1);
});

await connection.start();
await resumeAtLast();
console.log('on');

for await (const line of createInterface({ input: process.stdin })) {
  const [word, count] = line.split(' ');
  if (word === 'shows') {
    const latest = Date.now() + PATIENCE;
    open.push(() => screen.size >= Number(count) || Date.now() > latest);
    setTimeout(look, PATIENCE + 1);
  } else {
    const shown = [...screen].sort(([a], [b]) => a - b);
    const ids = shown.map(([, id]) => id).filter((id) => id);
    const inverted = ids.filter((id, index) => index > 0 && id < ids[index - 1]).length;
    console.log(JSON.stringify({ screen: shown.map(([number]) => number), inverted, ...seen }));
  }
  look();
}
process.exit(0);
