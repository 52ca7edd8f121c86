// Calls of the server: to one client, to all, to a group, and with an answer.

import { rejection } from '../../deadline.mjs';
import { holds, same } from '../expect.mjs';
import { queue } from '../queue.mjs';
import { invoke } from '../stage.mjs';

const asked = (text) =>
  `An unexpected error occurred invoking 'AskName' on the server. HubException: ${text}`;

export const serverCalls = [
  {
    feature: 'server call',
    name: 'a handler gets what the server sends',
    async run(stage) {
      const heard = queue();
      const connection = await stage.connect({ handlers: { told: (...args) => heard.put(args) } });
      const args = [1, 'two', [3], { four: null }];
      await invoke(connection, 'Tell', 'told', args);
      same(await heard.next(), args);
      await invoke(connection, 'Tell', 'TOLD', []);
      same(await heard.next(), []);
    },
  },
  {
    feature: 'server call',
    name: 'a broadcast reaches everybody, and a group its members',
    async run(stage) {
      const clients = [];
      for (let count = 0; count < 3; count += 1) {
        const heard = queue();
        const mine = (text) => text.startsWith(marker) && heard.put(text);
        const connection = await stage.connect({ handlers: { heard: mine } });
        // The handshake is answered before the client is one of all; a call is answered after it.
        await invoke(connection, 'Nothing');
        clients.push({ heard, connection });
      }
      const [first, second, third] = clients;
      const marker = first.connection.connectionId;
      await invoke(first.connection, 'Broadcast', `${marker} all`);
      for (const { heard } of clients) {
        same(await heard.next(), `${marker} all`);
      }
      await invoke(first.connection, 'Join', marker);
      await invoke(third.connection, 'Join', marker);
      await invoke(second.connection, 'TellGroup', marker, `${marker} group`);
      same(await first.heard.next(), `${marker} group`);
      same(await third.heard.next(), `${marker} group`);
      // Only what goes to the same address keeps its order.
      await invoke(second.connection, 'Broadcast', `${marker} end`);
      same(await second.heard.next(), `${marker} end`);
    },
  },
  {
    feature: 'client result',
    name: 'the server asks the client for a value',
    async run(stage) {
      const connection = await stage.connect({ handlers: { name: async () => 'Ada \u{1f355}' } });
      same(await invoke(connection, 'AskName'), 'Ada \u{1f355}');
    },
  },
  {
    feature: 'client result',
    name: 'a client that fails to answer is quoted',
    async run(stage) {
      const silent = await stage.connect();
      let error = await rejection(silent.invoke('AskName'));
      same(error.message, asked("Client didn't provide a result."));
      const failing = await stage.connect({
        handlers: {
          name: () => {
            throw new Error('I have none');
          },
        },
      });
      error = await rejection(failing.invoke('AskName'));
      same(error.message, asked('Error: I have none'));
      const wrong = await stage.connect({ handlers: { name: () => 42 } });
      error = await rejection(wrong.invoke('AskName'));
      const begins = asked('Error trying to deserialize result to String. ');
      holds(error.message.startsWith(begins), `${error.message} begins with ${begins}`);
    },
  },
];
