// What a client lost between itself and the hub comes back when it does: in order, before anything
// new, and once.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';
import * as signalR from '@microsoft/signalr';

import { Cable } from './cable.mjs';
import { claims, startServer, within } from './harness.mjs';
import { EVENTS } from './inbox.mjs';

const ADMINS = 'tenant:pizza:admins';

const transports = [
  ['WebSockets', signalR.HttpTransportType.WebSockets],
  ['long polling', signalR.HttpTransportType.LongPolling],
];

const protocols = {
  JSON: () => new signalR.JsonHubProtocol(),
  MessagePack: () => new MessagePackHubProtocol(),
};

/** A tablet in a kitchen, which shows every order that it hears of in the order in which it does. */
class Tablet {
  #places = {};
  #again = [];
  #resuming;
  #waiting = new Map();

  /** The ids that it shows. */
  shown = [];

  /** The channels that it was told it may have missed something of. */
  lost = [];

  constructor(url, token, transport, protocol) {
    this.connection = new signalR.HubConnectionBuilder()
      .withUrl(`${url}/hubs/notifications?resume=true`, { accessTokenFactory: () => token, transport })
      .withHubProtocol(protocol)
      .withAutomaticReconnect(Array(400).fill(50))
      .configureLogging(signalR.LogLevel.None)
      .build();
    for (const event of EVENTS) {
      this.connection.on(event, async (notification) => {
        // What stands right behind the answer is handed on before the promise of the call resolves.
        await this.#resuming;
        this.#show(notification);
      });
    }
    this.connection.on('Lost', ({ channel }) => this.lost.push(channel));
    this.connection.onreconnected(async () => {
      const count = await this.resume();
      this.#again.splice(0).forEach((resolve) => resolve(count));
    });
  }

  async start() {
    await within(this.connection.start(), 'connecting');
    return this.resume();
  }

  /** Resolves with the number of notifications that it had missed, once it is back. */
  back() {
    return within(new Promise((resolve) => this.#again.push(resolve)), 'coming back');
  }

  /** Asks for what it missed; how much it was. */
  resume() {
    this.#resuming = this.#catchUp();
    return this.#resuming;
  }

  async #catchUp() {
    let count = 0;
    for (let more = true; more; ) {
      more = false;
      const answers = await this.connection.invoke('Resume', this.#places);
      for (const [channel, answer] of Object.entries(answers)) {
        if (answer.lost) {
          this.lost.push(channel);
        }
        answer.notifications.forEach((notification) => this.#show(notification));
        this.#places[channel] = answer.position;
        count += answer.notifications.length;
        more ||= answer.more;
      }
    }
    return count;
  }

  /** Waits until it shows a notification. */
  async shows(id) {
    if (!this.shown.includes(id)) {
      await within(new Promise((resolve) => this.#waiting.set(id, resolve)), `showing ${id}`);
    }
  }

  #show(notification) {
    this.shown.push(notification.id);
    this.#places[notification.channel] = notification.id;
    this.#waiting.get(notification.id)?.();
  }
}

for (const [transportName, transport] of transports) {
  for (const [protocolName, protocol] of Object.entries(protocols)) {
    describe(`a tablet over ${transportName}, speaking ${protocolName}`, () => {
      let server;
      let cable;
      let service;

      before(async () => {
        server = await startServer();
        cable = await Cable.to(server.port);
        service = server.token(claims.service('pizza'));
      });

      after(async () => {
        cable?.close();
        await server?.stop();
      });

      const order = () =>
        server.publish(service, {
          type: 'NewOrder',
          tenantKey: 'pizza',
          orderId: randomUUID(),
          tableNumber: '12',
          order: {},
        });

      async function orders(count) {
        const ids = [];
        for (let round = 0; round < count; round += 1) {
          ids.push(await order());
        }
        return ids;
      }

      test('shows what came while its cable was cut, before what comes then, and each once', async () => {
        const token = server.token(claims.admin('pizza'));
        const tablet = new Tablet(cable.url, token, transport, protocol());
        assert.equal(await tablet.start(), 0);
        const all = await orders(3);
        await tablet.shows(all.at(-1));
        for (let round = 0; round < 3; round += 1) {
          const again = tablet.back();
          cable.unplug();
          all.push(...(await orders(5)));
          cable.plug();
          // These come while it reconnects and resumes.
          all.push(...(await orders(20)));
          assert.ok((await again) >= 5);
          await tablet.shows(all.at(-1));
        }
        assert.deepEqual(tablet.shown, all);
        assert.deepEqual(tablet.lost, []);
        await tablet.connection.stop();
      });

      test('misses nothing before the first that it hears', async () => {
        const token = server.token(claims.admin('pizza', 'berta'));
        const tablet = new Tablet(cable.url, token, transport, protocol());
        await tablet.start();
        const again = tablet.back();
        cable.unplug();
        const all = await orders(2);
        cable.plug();
        assert.equal(await again, 2);
        assert.deepEqual(tablet.shown, all);
        await tablet.connection.stop();
      });

      test('is told when it was away for too long', async () => {
        const token = server.token(claims.admin('pizza', 'carlo'));
        const tablet = new Tablet(cable.url, token, transport, protocol());
        await tablet.start();
        const again = tablet.back();
        cable.unplug();
        await orders(300);
        cable.plug();
        await again;
        assert.deepEqual(tablet.lost, [ADMINS]);
        const next = await order();
        await tablet.shows(next);
        assert.deepEqual(tablet.shown, [next]);
        await tablet.connection.stop();
      });
    });
  }
}
