// Clients that lose the server and come back as somebody new.

import { rejection } from '../../deadline.mjs';
import { different, holds, same } from '../expect.mjs';
import { queue } from '../queue.mjs';
import { TIRELESS, back, closed, invoke, lost } from '../stage.mjs';

/** A client in a group of its own, on a cable, and what it hears there. */
export async function member(stage, cable, options = {}) {
  const heard = queue();
  let group;
  const handlers = { heard: (text) => text.startsWith(`${group} `) && heard.put(text) };
  const connection = await stage.connect({ url: cable.url, handlers, ...options });
  group = connection.connectionId;
  await invoke(connection, 'Join', group);
  const teller = await stage.connect();
  const tell = (text) => invoke(teller, 'TellGroup', group, `${group} ${text}`);
  const hears = async (text) => same(await heard.next(), `${group} ${text}`);
  return { connection, group, tell, hears };
}

/** Takes the server away until the client has noticed, and gives the id that it comes back with. */
async function interrupt(connection, cable) {
  const [noticed, returned] = [lost(connection), back(connection)];
  holds((await cable.unplug()) > 0, 'a socket was cut');
  await noticed;
  same(connection.state, 'Reconnecting');
  await cable.plug();
  return returned;
}

async function comesBackAnew(stage, options) {
  const cable = await stage.cable();
  const { connection, group, tell, hears } = await member(stage, cable, options);
  await tell('before');
  await hears('before');
  const first = connection.connectionId;
  const second = await interrupt(connection, cable);
  different(second, first, 'the id');
  same(connection.connectionId, second);
  // Groups are of a connection: the new one is in none until it joins again.
  await tell('unheard');
  await invoke(connection, 'Join', group);
  await tell('after');
  await hears('after');
}

export const reconnects = [
  {
    feature: 'reconnect',
    name: 'a client that was cut off has a new id and joins its groups again',
    run: (stage) => comesBackAnew(stage, { retries: TIRELESS }),
  },
  {
    feature: 'reconnect',
    name: 'a call that was under way fails, and the next succeeds',
    async run(stage) {
      const cable = await stage.cable();
      const connection = await stage.connect({ url: cable.url, retries: TIRELESS });
      const waiting = rejection(connection.invoke('Sum', new stage.signalR.Subject()));
      same(await invoke(connection, 'Add', 1, 1), 2);
      await interrupt(connection, cable);
      holds((await waiting) instanceof Error, 'the call failed');
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'reconnect',
    name: 'a client that stops while it tries to come back stays away',
    async run(stage) {
      const cable = await stage.cable();
      const connection = await stage.connect({ url: cable.url, retries: TIRELESS });
      const [noticed, ended] = [lost(connection), closed(connection)];
      await cable.unplug();
      await noticed;
      await connection.stop();
      await ended;
      same(connection.state, 'Disconnected');
      await cable.plug();
      await connection.start();
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'reconnect',
    name: 'a client that is sent away comes back with a new id',
    async run(stage) {
      const connection = await stage.connect({ retries: TIRELESS });
      const first = connection.connectionId;
      const returned = back(connection);
      // The call may be answered or cut off; either way the client comes back.
      connection.invoke('SendAway').catch(() => {});
      const second = await returned;
      different(second, first, 'the id');
      same(connection.connectionId, second);
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'reconnect',
    name: 'a client that is closed plainly stays away',
    async run(stage) {
      const connection = await stage.connect({ retries: TIRELESS });
      let tried = false;
      connection.onreconnecting(() => (tried = true));
      const ended = closed(connection);
      connection.invoke('Leave').catch(() => {});
      same(await ended, undefined);
      same(connection.state, 'Disconnected');
      same(tried, false, 'trying to come back');
    },
  },
  {
    feature: 'reconnect',
    name: 'a client that asks in vain for a stateful one comes back plainly',
    excluded: (column) =>
      column.transport === 'WebSockets' && 'over WebSockets it does not ask in vain',
    run: (stage) => comesBackAnew(stage, { retries: TIRELESS, stateful: true }),
  },
];
