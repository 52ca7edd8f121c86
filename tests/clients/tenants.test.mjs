// Two tenants that must not see each other, and everybody who tries.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import {
  claims,
  mint,
  newKey,
  refusal,
  rejection,
  secondsFromNow,
  startServer,
  tamper,
  within,
} from './harness.mjs';

const NEGOTIATE = '/hubs/notifications/negotiate?negotiateVersion=1';

let server;
let everywhere;

before(async () => {
  server = await startServer();
  everywhere = server.token(claims.service('*'));
});

after(async () => server?.stop());

const newOrder = (tenantKey, orderId = randomUUID()) => ({
  type: 'NewOrder',
  tenantKey,
  orderId,
  tableNumber: '12',
  order: {},
});

describe('a token that is not good', () => {
  const admin = claims.admin('pizza');
  const table = [
    ['none at all', () => undefined, 'token_missing'],
    ['text that is no token', () => 'pizza', 'token_malformed'],
    ['signed with another key', () => mint(admin, { key: newKey() }), 'token_bad_signature'],
    [
      'changed after it was signed',
      () => tamper(server.token(admin), { tenantKey: 'sushi' }),
      'token_bad_signature',
    ],
    ['alg none', () => server.token(admin, { algorithm: 'none' }), 'token_algorithm_not_allowed'],
    [
      'an algorithm that is not configured',
      () => server.token(admin, { algorithm: 'HS512' }),
      'token_algorithm_not_allowed',
    ],
    ['expired', () => server.token({ ...admin, exp: secondsFromNow(-60) }), 'token_expired'],
    [
      'not valid yet',
      () => server.token({ ...admin, nbf: secondsFromNow(600) }),
      'token_not_yet_valid',
    ],
    ['without an end', () => server.token({ ...admin, exp: undefined }), 'token_invalid_claim'],
    ...['pizza:admins', '*', 'pizza*', 'p'.repeat(65), 'piz za', 'pizza\n'].map((tenantKey) => [
      `the tenant key ${JSON.stringify(tenantKey)}`,
      () => server.token(claims.admin(tenantKey)),
      'token_invalid_claim',
      /tenantKey/,
    ]),
    [
      'a session that is no GUID',
      () => server.token(claims.customer('pizza', 'session:1')),
      'token_invalid_claim',
      /sessionId/,
    ],
  ];
  for (const [what, token, name, text = /./] of table) {
    test(`${what} is refused with its own error`, async () => {
      const answer = await server.post(NEGOTIATE, undefined, token());
      assert.equal(answer.status, 401);
      assert.equal(refusal(answer), name);
      assert.match(answer.body.detail, text);
      assert.match(answer.headers.get('www-authenticate'), /^Bearer/);

      const negotiated = await rejection(server.client({ token: token() }).start());
      assert.match(negotiated.message, /Status code '401'/);
      assert.match(negotiated.message, new RegExp(name), 'the official client shows the reason');

      const direct = await rejection(
        server.client({ token: token(), skipNegotiation: true }).start(),
      );
      assert.match(direct.message, /WebSocket failed to connect/);

      const publishing = await server.post(
        '/api/v1/notifications',
        newOrder('pizza'),
        token(),
      );
      assert.equal(publishing.status, 401);
      assert.equal(refusal(publishing), name);
    });
  }
});

describe('publishing', () => {
  const session = randomUUID();
  const table = [
    ['as an admin', () => claims.admin('pizza'), newOrder('pizza'), 403, 'service_only'],
    [
      'as a customer',
      () => claims.customer('pizza', session),
      newOrder('pizza'),
      403,
      'service_only',
    ],
    [
      'as the service of another tenant',
      () => claims.service('sushi'),
      newOrder('pizza'),
      403,
      'other_tenant',
    ],
  ];
  for (const [what, who, notification, status, name] of table) {
    test(`${what} is refused`, async () => {
      const token = server.token(who());
      const answer = await server.post('/api/v1/notifications', notification, token);
      assert.equal(answer.status, status);
      assert.equal(refusal(answer), name);
    });
  }

  test('one foreign tenant refuses a whole batch', async () => {
    const { inbox } = await server.connectAs(claims.admin('pizza'));
    const answer = await server.post(
      '/api/v1/notifications/batch',
      { notifications: [newOrder('pizza'), newOrder('sushi')] },
      server.token(claims.service('pizza')),
    );
    assert.equal(answer.status, 403);
    assert.equal(refusal(answer), 'other_tenant');

    const marker = await server.publish(everywhere, newOrder('pizza'));
    await inbox.byId(marker);
    assert.deepEqual(inbox.ids, [marker]);
  });

  const addresses = {
    tenant: {},
    role: { role: 'Admin' },
    user: { userId: 'anna' },
    session: { sessionId: session },
  };
  for (const [kind, address] of Object.entries(addresses)) {
    test(`a broadcast to a ${kind} of another tenant is refused`, async () => {
      const answer = await server.post(
        `/api/v1/broadcasts/${kind}`,
        { tenantKey: 'pizza', ...address, eventType: 'SystemAlert', data: {} },
        server.token(claims.service('sushi')),
      );
      assert.equal(answer.status, 403, JSON.stringify(answer.body));
      assert.equal(refusal(answer), 'other_tenant');
    });
  }

  for (const tenantKey of ['pizza:admins', '*', '']) {
    test(`the tenant key ${JSON.stringify(tenantKey)} is no address, for no service`, async () => {
      const answer = await server.post(
        '/api/v1/notifications',
        newOrder(tenantKey),
        everywhere,
      );
      assert.equal(answer.status, 400, JSON.stringify(answer.body));
      assert.match(JSON.stringify(answer.body), /tenant key/);
    });
  }
});

describe('calling the hub', () => {
  const [session, otherSession] = [randomUUID(), randomUUID()];
  const [otherOrder, foreignOrder] = [randomUUID(), randomUUID()];

  // Two orders are known: one of another session of the same tenant, one of another tenant.
  before(async () => {
    const update = { type: 'CustomerOrderUpdate', status: 'Preparing', order: {} };
    await server.publish(everywhere, {
      ...update,
      tenantKey: 'pizza',
      sessionId: otherSession,
      orderId: otherOrder,
    });
    await server.publish(everywhere, {
      ...update,
      tenantKey: 'sushi',
      sessionId: session,
      orderId: foreignOrder,
    });
  });

  const customer = claims.customer('pizza', session);
  const guest = { ...customer, sessionId: undefined };
  const unauthorised = (method) =>
    new RegExp(`^Failed to invoke '${method}' because user is unauthorized$`);
  const refused = (method, text) =>
    new RegExp(
      `^An unexpected error occurred invoking '${method}' on the server\\. HubException: .*${text}`,
    );
  const table = [
    [
      'the order of another session',
      customer,
      'JoinOrderChannel',
      otherOrder,
      'belongs to another dining session',
    ],
    ['an order of another tenant', customer, 'JoinOrderChannel', foreignOrder, 'is not known'],
    [
      'an order that nobody has heard of',
      customer,
      'JoinOrderChannel',
      randomUUID(),
      'is not known',
    ],
    [
      'an order, without a session',
      guest,
      'JoinOrderChannel',
      otherOrder,
      'needs a dining session',
    ],
    [
      'an admin channel that is none',
      claims.admin('pizza'),
      'JoinAdminChannel',
      'payments',
      "'payments' is no admin channel; expected 'orders' or 'sessions'",
    ],
    [
      'the admins of another tenant',
      claims.admin('pizza'),
      'JoinAdminChannel',
      'tenant:sushi:admins',
      'is no admin channel',
    ],
    ['the admin orders, as a customer', customer, 'JoinAdminChannel', 'orders'],
    ['the admin sessions, as a customer', customer, 'JoinAdminChannel', 'sessions'],
    ['the admin orders, as a guest', guest, 'JoinAdminChannel', 'orders'],
  ];
  for (const [what, who, method, argument, text] of table) {
    test(`joining ${what} is refused with its own error`, async () => {
      const { connection } = await server.connectAs(who);
      const error = await rejection(connection.invoke(method, argument));
      assert.match(error.message, text ? refused(method, text) : unauthorised(method));
      assert.equal(await connection.invoke('Ping'), true, 'the connection lives on');
    });
  }

  test('a token with an empty tenant key may not stay', async () => {
    const client = server.client({ token: server.token(claims.admin('')) });
    const closed = new Promise((resolve) => client.onclose(resolve));
    // The refusal may arrive before or after `start` has returned.
    const refused = client.start().then(() => closed, (error) => error);
    assert.match((await within(refused, 'the refusal')).message, /has no 'tenantKey' claim/);
  });

  test('whoever was refused an order receives nothing of it', async () => {
    const own = randomUUID();
    const { connection, inbox } = await server.connectAs(claims.customer('pizza', own));
    await rejection(connection.invoke('JoinOrderChannel', otherOrder));
    const admin = await server.connectAs(claims.admin('pizza'));
    const changed = await server.publish(everywhere, {
      type: 'OrderStatusChanged',
      tenantKey: 'pizza',
      orderId: otherOrder,
      status: 'Ready',
      order: {},
    });
    await admin.inbox.byId(changed);

    const marker = await server.publish(everywhere, {
      type: 'CartUpdated',
      tenantKey: 'pizza',
      sessionId: own,
      cart: {},
    });
    await inbox.byId(marker);
    assert.deepEqual(inbox.ids, [marker]);
  });
});

describe('two tenants with the same names for everything', () => {
  test('what is for one is not seen by the other', async () => {
    const orderId = randomUUID();
    const tenants = {};
    for (const tenantKey of ['pizza', 'sushi']) {
      const { connection, inbox } = await server.connectAs(claims.admin(tenantKey, 'same'));
      await connection.invoke('JoinOrderChannel', orderId);
      await connection.invoke('JoinAdminChannel', 'orders');
      tenants[tenantKey] = inbox;
    }

    const published = { pizza: [], sushi: [] };
    const everything = (tenantKey) => [
      ['/api/v1/notifications', newOrder(tenantKey, orderId)],
      [
        '/api/v1/notifications',
        { type: 'OrderStatusChanged', tenantKey, orderId, status: 'Ready', order: {} },
      ],
      [
        '/api/v1/broadcasts/tenant',
        { tenantKey, eventType: 'SystemAlert', data: {} },
      ],
      [
        '/api/v1/broadcasts/role',
        { tenantKey, role: 'Admin', eventType: 'SystemAlert', data: {} },
      ],
      [
        '/api/v1/broadcasts/user',
        { tenantKey, userId: 'same', eventType: 'SystemAlert', data: {} },
      ],
    ];
    for (const tenantKey of ['pizza', 'sushi']) {
      for (const [path, body] of everything(tenantKey)) {
        const answer = await server.post(path, body, everywhere);
        assert.equal(answer.status, 202, JSON.stringify(answer.body));
        published[tenantKey].push(answer.body.id);
      }
    }
    for (const tenantKey of ['pizza', 'sushi']) {
      for (const id of published[tenantKey]) {
        await tenants[tenantKey].byId(id);
      }
      assert.deepEqual([...tenants[tenantKey].ids].sort(), [...published[tenantKey]].sort());
      for (const { notification } of tenants[tenantKey].received) {
        assert.equal(notification.tenantKey, tenantKey);
      }
    }
  });
});

test('no token is ever written to the log', async () => {
  const token = server.token(claims.admin('pizza'));
  const answer = await server.post(`${NEGOTIATE}&access_token=${token}`);
  assert.equal(answer.status, 200, 'a browser may carry the token in the query');
  await server.connect({ token });
  for (const written of server.tokens) {
    // A token is as good as its signature; one without has its claims.
    const secret = written.split('.').findLast((part) => part.length > 0);
    assert.ok(!server.log.includes(secret), 'a token stands in the log');
  }
});
