// How a connection begins, and ways in which it does not.

import { rejection, within } from '../../deadline.mjs';
import { different, holds, same } from '../expect.mjs';
import { closed, invoke } from '../stage.mjs';

/** The transports in the order in which a client tries them. */
const ORDER = ['WebSockets', 'ServerSentEvents', 'LongPolling'];

export const beginnings = [
  {
    feature: 'token',
    name: 'the server knows whose token it is',
    async run(stage) {
      const connection = await stage.connect();
      same(await invoke(connection, 'WhoAmI'), 'anna');
    },
  },
  {
    feature: 'token',
    name: 'without a good one nobody comes in',
    async run(stage) {
      for (const token of [() => 'nonsense', () => '']) {
        const connection = stage.client({ token });
        const error = await rejection(connection.start());
        holds(error.message.includes("Status code '401'"), `${error.message} names the status 401`);
      }
    },
  },
  {
    feature: 'skipped negotiation',
    name: 'a client may connect at once',
    excluded: (column) => column.transport !== 'WebSockets' && 'only WebSockets can go without',
    async run(stage) {
      const connection = await stage.connect({ skipNegotiation: true });
      same(connection.connectionId, null);
      same(await invoke(connection, 'WhoAmI'), 'anna');
    },
  },
  {
    feature: 'fallback',
    name: 'a client that is refused other transports ends with this one',
    excluded: (column) => column.transport === 'WebSockets' && 'no transport is tried before it',
    async run(stage) {
      const refused = ORDER.slice(0, ORDER.indexOf(stage.column.transport));
      const doorman = await stage.doorman(refused);
      const { WebSockets, ServerSentEvents, LongPolling } = stage.signalR.HttpTransportType;
      const connection = await stage.connect({
        url: doorman.url,
        transport: WebSockets | ServerSentEvents | LongPolling,
      });
      same(await invoke(connection, 'WhoAmI'), 'anna');
      const seen = await doorman.seen();
      same(seen.passed, [stage.column.transport]);
      // Event streams carry text only: for MessagePack the client does not even ask for one.
      const asked = refused.filter((name) => !(stage.isBinary && name === 'ServerSentEvents'));
      same(seen.refused, asked);
    },
  },
  {
    feature: 'stop',
    name: 'a client may stop while it negotiates, and start again',
    async run(stage) {
      const connection = stage.client();
      const refused = rejection(connection.start());
      await within(connection.stop(), 'stopping');
      same((await refused).message, 'The connection was stopped during negotiation.');
      same(connection.state, 'Disconnected');
      await within(connection.start(), 'starting again');
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'stop',
    name: 'a client may stop while it shakes hands, and start again',
    async run(stage) {
      let stopping;
      const watch = (text) => {
        if (!stopping && text === 'Sending handshake request.') {
          // The request is on its way once the client's own step is over.
          stopping = Promise.resolve().then(() => connection.stop());
        }
      };
      const connection = stage.client({ watch });
      const { message } = await rejection(connection.start());
      const text = 'The connection was stopped before the hub handshake could complete.';
      // Except over WebSockets, the goodbye may overtake the request that carries the handshake.
      const overtaken = !stage.over('WebSockets') && message.endsWith("Status code '404'");
      holds(overtaken || message === text, `${message} says that the client stopped`);
      await within(stopping, 'stopping');
      same(connection.state, 'Disconnected');
      await within(connection.start(), 'starting again');
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'stop',
    name: 'a client that stops is told of no error and may start again',
    async run(stage) {
      const connection = await stage.connect();
      const first = connection.connectionId;
      const ended = closed(connection);
      await within(connection.stop(), 'stopping');
      same(await ended, undefined);
      same(connection.state, 'Disconnected');
      await within(connection.start(), 'starting again');
      different(connection.connectionId, first, 'the id');
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
  {
    feature: 'server timeout',
    name: 'a client that hears nothing for too long ends',
    excluded: (column) =>
      column.transport === 'LongPolling' && 'a client that polls has no server timeout',
    async run(stage) {
      const connection = await stage.connect();
      const ended = closed(connection);
      // Far below the server's 15 s between pings; it counts from the next message on.
      connection.serverTimeoutInMilliseconds = 100;
      await connection.invoke('Nothing').catch(() => {});
      const text = 'Server timeout elapsed without receiving a message from the server.';
      same((await ended)?.message, text);
    },
  },
];
