// What is published over HTTP appears in an unmodified official client.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { claims, nextEvent, rejection, startServer } from './harness.mjs';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TENANT = 'pizza';

let server;
let service;

before(async () => {
  server = await startServer();
  service = server.token(claims.service(TENANT));
});

after(async () => server?.stop());

const newOrder = (orderId = randomUUID()) => ({
  type: 'NewOrder',
  tenantKey: TENANT,
  orderId,
  tableNumber: '12',
  order: { items: [{ name: 'Margherita', quantity: 2 }] },
});

const statusChanged = (orderId, status) => ({
  type: 'OrderStatusChanged',
  tenantKey: TENANT,
  orderId,
  status,
  order: { total: 17.5 },
});

const customerUpdate = (sessionId, orderId, status = 'Preparing') => ({
  type: 'CustomerOrderUpdate',
  tenantKey: TENANT,
  sessionId,
  orderId,
  status,
  order: { total: 17.5 },
});

describe('admins', () => {
  test('a new order has the shape that the React client reads', async () => {
    const { connection } = await server.connectAs(claims.admin(TENANT));
    const orderId = randomUUID();
    const coming = nextEvent(connection, 'NewOrder');
    const id = await server.publish(service, newOrder(orderId));

    const notification = await coming;
    assert.equal(notification.id, id);
    assert.match(notification.id, UUID_V7);
    assert.equal(notification.type, 'NewOrder');
    assert.equal(notification.tenantKey, TENANT);
    assert.equal(notification.data.orderId, orderId);
    assert.equal(notification.data.tableNumber, '12');
    assert.deepEqual(notification.data.order, newOrder().order);
    assert.equal(typeof notification.metadata, 'object');
    assert.match(notification.channel, /^tenant:pizza:admins(:orders)?$/);
    const age = Date.now() - Date.parse(notification.timestamp);
    assert.ok(Math.abs(age) < 60_000, `the timestamp ${notification.timestamp} is now`);
    for (const name of [...Object.keys(notification), ...Object.keys(notification.data)]) {
      assert.match(name, /^[a-z][A-Za-z]*$/, 'field names are camelCase');
    }
  });

  test('staff receive what admins receive', async () => {
    const { inbox } = await server.connectAs(claims.staff(TENANT));
    const { event } = await inbox.byId(await server.publish(service, newOrder()));
    assert.equal(event, 'NewOrder');
  });

  test('each admin event reaches the handler of its name with its own fields', async () => {
    const { inbox } = await server.connectAs(claims.admin(TENANT));
    const [orderId, sessionId, tableId] = [randomUUID(), randomUUID(), randomUUID()];
    const table = [
      [statusChanged(orderId, 'Ready'), { orderId, status: 'Ready', order: { total: 17.5 } }],
      [
        { type: 'SessionExpired', sessionId, tableNumber: '4', reason: 'idle' },
        { sessionId, tableNumber: '4', reason: 'idle' },
      ],
      [
        { type: 'TableStatusChanged', tableId, isOccupied: true },
        { tableId, isOccupied: true },
      ],
    ];
    for (const [published, expected] of table) {
      const id = await server.publish(service, { tenantKey: TENANT, ...published });
      const { event, notification } = await inbox.byId(id);
      assert.equal(event, published.type);
      assert.equal(notification.type, published.type);
      assert.deepEqual(pick(notification.data, expected), expected);
    }
  });
});

describe('customers', () => {
  test('each customer event reaches its own session under its own handler', async () => {
    const sessionId = randomUUID();
    const { inbox } = await server.connectAs(claims.customer(TENANT, sessionId));
    const orderId = randomUUID();
    const table = [
      [customerUpdate(sessionId, orderId), 'OrderStatusUpdate', { orderId, status: 'Preparing' }],
      [
        { type: 'CustomerSessionExpiring', tenantKey: TENANT, sessionId, minutesRemaining: 5 },
        'SessionExpiring',
        { minutesRemaining: 5 },
      ],
      [
        { type: 'CartUpdated', tenantKey: TENANT, sessionId, cart: { lines: 3 } },
        'CartUpdated',
        { cart: { lines: 3 } },
      ],
      [
        { type: 'SessionExpired', tenantKey: TENANT, sessionId, tableNumber: '4', reason: 'paid' },
        'SessionExpired',
        { tableNumber: '4', reason: 'paid' },
      ],
    ];
    for (const [published, handler, expected] of table) {
      const id = await server.publish(service, published);
      const { event, notification } = await inbox.byId(id);
      assert.equal(event, handler);
      assert.equal(notification.type, published.type);
      assert.equal(notification.data.sessionId, sessionId);
      assert.deepEqual(pick(notification.data, expected), expected);
    }
  });

  test('a customer sees neither another session nor what is for admins', async () => {
    const [own, other] = [randomUUID(), randomUUID()];
    const { inbox } = await server.connectAs(claims.customer(TENANT, own));
    const witness = await server.connectAs(claims.customer(TENANT, other));
    const admin = await server.connectAs(claims.admin(TENANT));

    const foreign = await server.publish(service, customerUpdate(other, randomUUID()));
    const forAdmins = await server.publish(service, newOrder());
    await witness.inbox.byId(foreign);
    await admin.inbox.byId(forAdmins);

    const marker = await server.publish(service, customerUpdate(own, randomUUID()));
    await inbox.byId(marker);
    assert.deepEqual(inbox.ids, [marker]);
  });
});

describe('the methods of the hub', () => {
  test('Ping answers true', async () => {
    const { connection } = await server.connectAs(claims.admin(TENANT));
    assert.equal(await connection.invoke('Ping'), true);
  });

  test('a customer may follow an order of its session and stop following it', async () => {
    const sessionId = randomUUID();
    const orderId = randomUUID();
    const { connection, inbox } = await server.connectAs(claims.customer(TENANT, sessionId));
    await inbox.byId(await server.publish(service, customerUpdate(sessionId, orderId)));

    await connection.invoke('JoinOrderChannel', orderId);
    const ready = await server.publish(service, statusChanged(orderId, 'Ready'));
    const { event, notification } = await inbox.byId(ready);
    assert.equal(event, 'OrderStatusChanged');
    assert.equal(notification.data.status, 'Ready');

    await connection.invoke('LeaveOrderChannel', orderId);
    const unseen = await server.publish(service, statusChanged(orderId, 'Served'));
    const marker = await server.publish(service, customerUpdate(sessionId, orderId));
    await inbox.byId(marker);
    assert.equal(inbox.count(unseen), 0);
  });

  test('an admin may follow any order of the tenant, written in any case', async () => {
    const { connection } = await server.connectAs(claims.admin(TENANT));
    await connection.invoke('JoinOrderChannel', randomUUID().toUpperCase());
    await connection.invoke('joinorderchannel', randomUUID());
  });

  test('an admin joins and leaves the admin channels by name', async () => {
    const { connection } = await server.connectAs(claims.admin(TENANT));
    for (const name of ['orders', 'sessions']) {
      await connection.invoke('JoinAdminChannel', name);
      await connection.invoke('LeaveAdminChannel', name);
    }
  });

  test('leaving what was never joined is no error', async () => {
    const { connection } = await server.connectAs(claims.admin(TENANT));
    await connection.invoke('LeaveOrderChannel', randomUUID());
  });
});

test('a connection in several channels of a notification receives it once', async () => {
  const { connection, inbox } = await server.connectAs(claims.admin(TENANT));
  const orderId = randomUUID();
  await connection.invoke('JoinAdminChannel', 'orders');
  await connection.invoke('JoinOrderChannel', orderId);

  const ids = [];
  for (let round = 0; round < 20; round += 1) {
    ids.push(await server.publish(service, statusChanged(orderId, `round ${round}`)));
  }
  const marker = await server.publish(service, statusChanged(orderId, 'marker'));
  await inbox.byId(marker);
  assert.equal(await connection.invoke('Ping'), true);
  assert.deepEqual(inbox.ids, [...ids, marker]);
});

describe('batches', () => {
  test('a batch is delivered whole and in its order', async () => {
    const { inbox } = await server.connectAs(claims.admin(TENANT));
    const notifications = Array.from({ length: 10 }, () => newOrder());
    const { status, body } = await server.post(
      '/api/v1/notifications/batch',
      { notifications },
      service,
    );
    assert.equal(status, 202, JSON.stringify(body));

    const marker = await server.publish(service, newOrder());
    await inbox.byId(marker);
    assert.deepEqual(
      inbox.received.slice(0, -1).map(({ notification }) => notification.data.orderId),
      notifications.map(({ orderId }) => orderId),
    );
  });

  test('one wrong notification refuses the whole batch', async () => {
    const { inbox } = await server.connectAs(claims.admin(TENANT));
    const notifications = [newOrder(), { ...newOrder(), orderId: 'no guid' }];
    const { status, body } = await server.post(
      '/api/v1/notifications/batch',
      { notifications },
      service,
    );
    assert.equal(status, 400);
    assert.match(JSON.stringify(body), /orderId/);

    const marker = await server.publish(service, newOrder());
    await inbox.byId(marker);
    assert.deepEqual(inbox.ids, [marker]);
  });
});

describe('broadcasts', () => {
  // Who is meant, and who of the five listeners below receives it.
  const table = [
    ['tenant', () => ({}), ['admin', 'staff', 'carla', 'clara']],
    ['role', () => ({ role: 'Admin' }), ['admin']],
    ['user', () => ({ userId: 'carla' }), ['carla']],
    ['session', (session) => ({ sessionId: session }), ['carla']],
  ];
  for (const [kind, address, expected] of table) {
    test(`a broadcast to a ${kind} reaches exactly that ${kind}`, async () => {
      const session = randomUUID();
      const listeners = {
        admin: await server.connectAs(claims.admin(TENANT)),
        staff: await server.connectAs(claims.staff(TENANT)),
        carla: await server.connectAs(claims.customer(TENANT, session, 'carla')),
        clara: await server.connectAs(claims.customer(TENANT, randomUUID(), 'clara')),
        stranger: await server.connectAs(claims.admin('sushi')),
      };
      const { status, body } = await server.post(
        `/api/v1/broadcasts/${kind}`,
        {
          tenantKey: TENANT,
          eventType: 'SystemAlert',
          data: { text: 'The oven is cold' },
          ...address(session),
        },
        service,
      );
      assert.equal(status, 202, JSON.stringify(body));
      for (const name of expected) {
        const { event, notification } = await listeners[name].inbox.byId(body.id);
        assert.equal(event, 'SystemAlert');
        assert.equal(notification.data.text, 'The oven is cold');
      }

      // Whoever was not meant proves it with something later that is for everybody.
      const all = server.token(claims.service('*'));
      for (const tenantKey of [TENANT, 'sushi']) {
        const marker = await server.post(
          '/api/v1/broadcasts/tenant',
          { tenantKey, eventType: 'SystemAlert', data: {} },
          all,
        );
        assert.equal(marker.status, 202, JSON.stringify(marker.body));
        for (const [name, { inbox }] of Object.entries(listeners)) {
          if ((name === 'stranger') === (tenantKey === 'sushi')) {
            await inbox.byId(marker.body.id);
          }
        }
      }
      for (const [name, { inbox }] of Object.entries(listeners)) {
        assert.equal(inbox.count(body.id), expected.includes(name) ? 1 : 0, name);
      }
    });
  }
});

describe('bad notifications', () => {
  const table = [
    ['an unknown type', { type: 'OrderEaten' }, /OrderEaten|type/],
    ['no type', { type: undefined }, /type/],
    ['a GUID that is none', { orderId: 'twelve' }, /orderId/],
    ['a missing field', { tableNumber: undefined }, /tableNumber/],
    ['no tenant', { tenantKey: undefined }, /tenantKey/],
  ];
  for (const [what, change, named] of table) {
    test(`${what} is refused by name`, async () => {
      const { status, body } = await server.post(
        '/api/v1/notifications',
        { ...newOrder(), ...change },
        service,
      );
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(JSON.stringify(body), named);
    });
  }
});

test('a listener that is refused a method still receives', async () => {
  const { connection, inbox } = await server.connectAs(claims.admin(TENANT));
  await rejection(connection.invoke('JoinAdminChannel', 'payments'));
  await inbox.byId(await server.publish(service, newOrder()));
});

/** The fields of `value` that `like` has. */
function pick(value, like) {
  return Object.fromEntries(Object.keys(like).map((name) => [name, value[name]]));
}
