// Stateful reconnects: the official client loses its socket and goes on as the same connection.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { Cable } from './cable.mjs';
import { claims, startServer, within } from './harness.mjs';
import { Inbox } from './inbox.mjs';

const protocols = { JSON: () => new signalR.JsonHubProtocol(), MessagePack: () => new MessagePackHubProtocol() };

for (const [name, protocol] of Object.entries(protocols)) {
  describe(`a client that lost its socket, speaking ${name}`, () => {
    let server;
    let cable;
    let service;

    before(async () => {
      server = await startServer({
        settings: {
          'Mesahub:Hub:AllowStatefulReconnects': 'true',
          // These calls are more than one connection may make in a minute by default.
          'Mesahub:Limits:Calls:PermitLimit': '0',
        },
      });
      cable = await Cable.to(server.port);
      service = server.token(claims.service('*'));
    });

    after(async () => {
      cable.close();
      await server.stop();
    });

    async function join() {
      const connection = new signalR.HubConnectionBuilder()
        .withUrl(`http://127.0.0.1:${cable.port}/hubs/notifications`, {
          accessTokenFactory: () => server.token(claims.admin('pizza')),
          transport: signalR.HttpTransportType.WebSockets,
        })
        .withHubProtocol(protocol())
        .withStatefulReconnect()
        .configureLogging(signalR.LogLevel.None)
        .build();
      const inbox = new Inbox(connection);
      await within(connection.start(), 'connecting');
      return { connection, inbox };
    }

    function order() {
      return {
        type: 'NewOrder',
        tenantKey: 'pizza',
        orderId: randomUUID(),
        tableNumber: '12',
        order: {},
      };
    }

    test('gets everything once and in order, under its old id and in its old groups', async () => {
      const { connection, inbox } = await join();
      const id = connection.connectionId;
      await connection.invoke('JoinAdminChannel', 'orders');
      const published = [];
      for (let round = 0; round < 5; round += 1) {
        published.push(await server.publish(service, order()));
        cable.cut();
        published.push(await server.publish(service, order()));
        published.push(await server.publish(service, order()));
        await inbox.byId(published.at(-1));
        assert.equal(await within(connection.invoke('Ping'), 'a ping'), true);
      }
      assert.deepEqual(inbox.ids, published);
      assert.equal(connection.connectionId, id);
      await connection.stop();
    });

    test('has its calls answered once', async () => {
      const { connection } = await join();
      for (let round = 0; round < 5; round += 1) {
        const calls = Array.from({ length: 20 }, () => connection.invoke('Ping'));
        cable.cut();
        const answers = await within(Promise.all(calls), 'the answers');
        assert.ok(answers.every((answer) => answer === true));
        // Asked after the cut, so answered over the new socket: the next cut meets that one.
        assert.equal(await within(connection.invoke('Ping'), 'a ping'), true);
      }
      await connection.stop();
    });

    test('that says goodbye is gone for good', async () => {
      const { connection } = await join();
      const closed = new Promise((resolve) => connection.onclose(resolve));
      await connection.stop();
      assert.equal(await within(closed, 'the end'), undefined);
      assert.equal(connection.state, signalR.HubConnectionState.Disconnected);
    });
  });
}
