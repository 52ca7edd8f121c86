// Stateful reconnects: clients that lose their socket and go on as the same connection.

import { within } from '../../deadline.mjs';
import { holds, same } from '../expect.mjs';
import { closed, invoke } from '../stage.mjs';
import { collected } from '../stream.mjs';
import { member } from './reconnects.mjs';

const ROUNDS = 5;

const excluded = (column) =>
  column.transport !== 'WebSockets' && 'stateful reconnects are for WebSockets only';

/** Waits until the client has its new socket: what is asked after a cut is answered over it. */
async function recovered(connection) {
  same(await invoke(connection, 'Nothing'), null);
}

/** A client on a cable that must never notice that it was cut. */
async function unshaken(stage, { connection, cable }, scenario) {
  let shaken = false;
  connection.onreconnecting(() => (shaken = true));
  connection.onclose(() => (shaken = true));
  const id = connection.connectionId;
  const before = await cable.opened();
  await scenario();
  same(shaken, false, 'being reconnected as somebody new');
  same(connection.connectionId, id);
  holds((await cable.opened()) > before, 'the client opened another socket');
}

async function connected(stage) {
  const cable = await stage.cable();
  const connection = await stage.connect({ url: cable.url, stateful: true });
  return { cable, connection };
}

/** Cuts the cable, whose socket must be up: a client that is cut while it opens another gives up. */
async function cut(cable) {
  holds((await cable.cut()) > 0, 'a socket was cut');
}

export const stateful = [
  {
    feature: 'stateful reconnect',
    name: 'everything comes once and in order, under the old id and in the old groups',
    excluded,
    async run(stage) {
      const cable = await stage.cable();
      const { connection, tell, hears } = await member(stage, cable, { stateful: true });
      await unshaken(stage, { connection, cable }, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          await tell(`${round} before`);
          await cut(cable);
          await tell(`${round} meanwhile`);
          await tell(`${round} after`);
          for (const when of ['before', 'meanwhile', 'after']) {
            await hears(`${round} ${when}`);
          }
          await recovered(connection);
        }
      });
    },
  },
  {
    feature: 'stateful reconnect',
    name: 'calls that were under way are answered once',
    excluded,
    async run(stage) {
      const { cable, connection } = await connected(stage);
      await unshaken(stage, { connection, cable }, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const numbers = Array.from({ length: 20 }, (_, index) => index);
          const calls = numbers.map((number) => invoke(connection, 'Add', number, round));
          await cut(cable);
          same(
            await Promise.all(calls),
            numbers.map((number) => number + round),
          );
          await recovered(connection);
        }
      });
    },
  },
  {
    feature: 'stateful reconnect',
    name: 'a stream of the server goes on without a hole',
    excluded,
    async run(stage) {
      const { cable, connection } = await connected(stage);
      await unshaken(stage, { connection, cable }, async () => {
        const items = [];
        const all = collected(connection.stream('Count', 5000), items);
        await cut(cable);
        await all;
        same(
          items,
          Array.from({ length: 5000 }, (_, index) => index),
        );
        await recovered(connection);
      });
    },
  },
  {
    feature: 'stateful reconnect',
    name: 'an upload goes on without a hole',
    excluded,
    async run(stage) {
      const { cable, connection } = await connected(stage);
      await unshaken(stage, { connection, cable }, async () => {
        const subject = new stage.signalR.Subject();
        const total = invoke(connection, 'Sum', subject);
        for (let round = 0; round < ROUNDS; round += 1) {
          subject.next(10 ** round);
          await cut(cable);
          subject.next(10 ** round);
          await recovered(connection);
        }
        subject.complete();
        same(await total, 22222);
      });
    },
  },
  {
    feature: 'stateful reconnect',
    name: 'a client that says goodbye is gone for good',
    excluded,
    async run(stage) {
      const { cable, connection } = await connected(stage);
      const ended = closed(connection);
      const before = await cable.opened();
      await within(connection.stop(), 'stopping');
      same(await ended, undefined);
      same(connection.state, 'Disconnected');
      same(await cable.opened(), before, 'sockets');
    },
  },
];
