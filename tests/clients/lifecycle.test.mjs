// How a connection begins, goes wrong, comes back and ends, as the official client sees it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import {
  claims,
  nextEvent,
  rejection,
  secondsFromNow,
  startServer,
  within,
} from './harness.mjs';

const admin = claims.admin('pizza');

let server;

before(async () => {
  server = await startServer();
});

after(async () => server?.stop());

describe('beginning', () => {
  test('negotiation gives the client an id', async () => {
    const { connection } = await server.connectAs(admin);
    assert.match(connection.connectionId, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(connection.state, 'Connected');
  });

  test('negotiation can be skipped', async () => {
    const { connection } = await server.connectAs(admin, { skipNegotiation: true });
    assert.equal(connection.connectionId, null);
    assert.equal(await connection.invoke('Ping'), true);
    const coming = nextEvent(connection, 'NewOrder');
    const id = await server.publish(server.token(claims.service('pizza')), {
      type: 'NewOrder',
      tenantKey: 'pizza',
      orderId: randomUUID(),
      tableNumber: '1',
      order: {},
    });
    assert.equal((await coming).id, id);
  });

  test('many clients at once have an id each', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { connection } = await server.connectAs(admin);
        assert.equal(await connection.invoke('Ping'), true);
        return connection.connectionId;
      }),
    );
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('ending', () => {
  test('a client that stops is told of no error and may start again', async () => {
    const { connection } = await server.connectAs(admin);
    const first = connection.connectionId;
    const ended = closed(connection);
    await connection.stop();
    assert.equal(await ended, undefined);
    assert.equal(connection.state, 'Disconnected');

    await within(connection.start(), 'starting again');
    assert.notEqual(connection.connectionId, first);
    assert.equal(await connection.invoke('Ping'), true);
  });

  test('a connection ends with its token and comes back with a new one', async () => {
    const tokens = [
      server.token({ ...admin, exp: secondsFromNow(2) }),
      server.token({ ...admin, exp: secondsFromNow(3600) }),
    ];
    let asked = 0;
    const { connection } = await server.connect({
      token: () => tokens[Math.min(asked++, tokens.length - 1)],
      retries: [0, 0, 0],
      // Without negotiation the client asks for a token once per start.
      skipNegotiation: true,
    });
    await comesBack(connection);
    assert.equal(asked, 2);
    assert.equal(await connection.invoke('Ping'), true);
  });
});

describe('bad calls', () => {
  const failed = (method) => `Failed to invoke '${method}' due to an error on the server.`;
  const table = [
    ['Nope', [], `${failed('Nope')} HubException: Method does not exist.`],
    // The methods of a connection's life are not there to be called.
    [
      'OnConnectedAsync',
      [],
      `${failed('OnConnectedAsync')} HubException: Method does not exist.`,
    ],
    ['JoinOrderChannel', [], failed('JoinOrderChannel')],
    ['JoinOrderChannel', [randomUUID(), randomUUID()], failed('JoinOrderChannel')],
    ['JoinOrderChannel', ['twelve'], failed('JoinOrderChannel')],
    ['JoinOrderChannel', [12], failed('JoinOrderChannel')],
    ['JoinOrderChannel', [null], failed('JoinOrderChannel')],
    ['Ping', ['too much'], failed('Ping')],
  ];
  for (const [method, args, text] of table) {
    test(`${method}(${JSON.stringify(args).slice(1, -1)}) gets the official text`, async () => {
      const { connection } = await server.connectAs(admin);
      const error = await rejection(connection.invoke(method, ...args));
      assert.equal(error.message, text);
      assert.equal(await connection.invoke('Ping'), true, 'the connection lives on');
    });
  }

  test('a method that does not stream cannot be streamed', async () => {
    const { connection } = await server.connectAs(admin);
    const streaming = new Promise((resolve, reject) =>
      connection.stream('Ping').subscribe({ next: resolve, complete: resolve, error: reject }),
    );
    const error = await rejection(streaming);
    assert.equal(
      error.message,
      "The client attempted to invoke the non-streaming 'Ping' method with a streaming invocation.",
    );
  });

  test('a call that wants no answer gets none, right or wrong', async () => {
    const { connection } = await server.connectAs(admin);
    await connection.send('Nope');
    await connection.send('JoinOrderChannel', 'twelve');
    await connection.send('Ping');
    assert.equal(await connection.invoke('Ping'), true);
  });

  test('methods are found without regard to case', async () => {
    const { connection } = await server.connectAs(admin);
    assert.equal(await connection.invoke('pING'), true);
  });
});

describe('bad bytes', () => {
  const table = [
    ['what is not JSON', 'nonsense\u001e'],
    ['a message without a type', '{}\u001e'],
    ['a message that is larger than the limit', `{"type":6,"x":"${'x'.repeat(40_000)}"}\u001e`],
  ];
  for (const [what, bytes] of table) {
    test(`${what} ends the connection with the official text, and no other one`, async () => {
      const bystander = await server.connectAs(admin);
      const { connection } = await server.connectAs(admin);
      const ended = closed(connection);
      // The official client sends nothing wrong by itself: hand the bytes to its transport.
      await connection.connection.send(bytes);
      const error = await ended;
      assert.equal(
        error.message,
        'Server returned an error on close: Connection closed with an error.',
      );
      assert.equal(await bystander.connection.invoke('Ping'), true);
    });

    test(`after ${what} the client may come back`, async () => {
      const { connection } = await server.connectAs(admin, { retries: [0] });
      const first = connection.connectionId;
      const back = comesBack(connection);
      await connection.connection.send(bytes);
      assert.notEqual(await back, first);
      assert.equal(await connection.invoke('Ping'), true);
    });
  }
});

describe('the server going away', () => {
  test('SIGTERM tells clients to come back and ends with success', async () => {
    const leaving = await startServer();
    const { connection } = await leaving.connectAs(admin, { retries: [0] });
    try {
      // Only a close that allows it makes the client reconnect; it has no error to report.
      const told = new Promise((resolve) => connection.onreconnecting(resolve));
      const { code, signal } = await leaving.terminate();
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
      assert.equal(await within(told, 'being told to come back'), undefined);
    } finally {
      await leaving.stop();
    }
  });

  test('a client finds the server again after a restart', async () => {
    const first = await startServer();
    let second;
    try {
      const { connection, inbox } = await first.connectAs(admin, {
        retries: Array(200).fill(50),
      });
      const back = comesBack(connection);
      await first.terminate();
      second = await startServer({ port: first.port, key: first.key });
      await back;

      const id = await second.publish(second.token(claims.service('pizza')), {
        type: 'TableStatusChanged',
        tenantKey: 'pizza',
        tableId: randomUUID(),
        isOccupied: true,
      });
      await inbox.byId(id);
      assert.equal(inbox.count(id), 1);
    } finally {
      await first.stop();
      await second?.stop();
    }
  });
});

/** The error that the client reports when it is closed for good, or `undefined`. */
function closed(connection) {
  return within(new Promise((resolve) => connection.onclose(resolve)), 'waiting for the close');
}

/** The id that the client has after it reconnected by itself. */
function comesBack(connection) {
  const back = new Promise((resolve, reject) => {
    connection.onreconnected(resolve);
    connection.onclose((error) => reject(error ?? new Error('closed for good')));
  });
  return within(back, 'waiting for the client to come back');
}
