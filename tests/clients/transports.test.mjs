// The official client over each transport: connecting, calling, hearing, stopping, being sent away.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { claims, nextEvent, startServer, within } from './harness.mjs';

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;

const admin = claims.admin('pizza');

let server;

before(async () => {
  server = await startServer();
});

after(async () => server?.stop());

for (const transport of [WebSockets, ServerSentEvents, LongPolling]) {
  describe(`over ${signalR.HttpTransportType[transport]}`, () => {
    test('a client calls, hears and stops', async () => {
      const { connection } = await server.connectAs(admin, { transport });
      assert.match(connection.connectionId, /^[A-Za-z0-9_-]{22}$/);
      assert.equal(await within(connection.invoke('Ping'), 'Ping'), true);

      const coming = nextEvent(connection, 'NewOrder');
      const id = await publishOrder();
      assert.equal((await coming).id, id);

      const ended = closed(connection);
      await within(connection.stop(), 'stopping');
      assert.equal(await ended, undefined);
    });

    test('calls and events come in the order in which they were sent', async () => {
      const { connection } = await server.connectAs(admin, { transport });
      const answers = await within(
        Promise.all(Array.from({ length: 50 }, () => connection.invoke('Ping'))),
        'fifty calls',
      );
      assert.deepEqual(answers, Array(50).fill(true));
      const ids = [];
      const all = collect(connection, 'NewOrder', 20);
      for (let count = 0; count < 20; count += 1) {
        ids.push(await publishOrder());
      }
      assert.deepEqual(
        (await all).map((notification) => notification.id),
        ids,
      );
      });

    test('an unknown method fails the call and not the connection', async () => {
      const { connection } = await server.connectAs(admin, { transport });
      await assert.rejects(within(connection.invoke('NoSuchMethod'), 'the refusal'));
      assert.equal(await within(connection.invoke('Ping'), 'Ping'), true);
    });
  });
}

test('MessagePack travels over long polling', async () => {
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(server.hub, {
      accessTokenFactory: () => server.token(admin),
      transport: LongPolling,
    })
    .withHubProtocol(new MessagePackHubProtocol())
    .configureLogging(signalR.LogLevel.None)
    .build();
  await within(connection.start(), 'connecting');
  try {
    assert.equal(await within(connection.invoke('Ping'), 'Ping'), true);
    const coming = nextEvent(connection, 'NewOrder');
    const id = await publishOrder();
    assert.equal((await coming).id, id);
  } finally {
    await connection.stop();
  }
});

test('a client falls back to another transport', async () => {
  // It cannot know that one was left out, so it takes the first that it may use itself.
  const { connection } = await server.connectAs(admin, {
    transport: ServerSentEvents | LongPolling,
  });
  assert.equal(await within(connection.invoke('Ping'), 'Ping'), true);
});

test('a server that stops sends every client away and ends at once', async () => {
  const stopping = await startServer();
  try {
    const ends = [];
    for (const transport of [WebSockets, ServerSentEvents, LongPolling]) {
      const { connection } = await stopping.connectAs(admin, { transport });
      ends.push(closed(connection));
    }
    const { code } = await stopping.terminate();
    assert.equal(code, 0, stopping.log);
    await within(Promise.all(ends), 'the clients to end');
  } finally {
    await stopping.stop();
  }
});

async function publishOrder() {
  return server.publish(server.token(claims.service('pizza')), {
    type: 'NewOrder',
    tenantKey: 'pizza',
    orderId: randomUUID(),
    tableNumber: '1',
    order: {},
  });
}

function collect(connection, event, count) {
  const heard = [];
  const all = new Promise((resolve) => {
    connection.on(event, (notification) => {
      heard.push(notification);
      if (heard.length === count) {
        resolve(heard);
      }
    });
  });
  return within(all, `${count} events`);
}

function closed(connection) {
  return within(new Promise((resolve) => connection.onclose(resolve)), 'the connection to close');
}
