// Every feature of a hub, with the official client, in every cell of transport and protocol.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { rejection, within } from './deadline.mjs';
import { Program } from './program.mjs';

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;

const json = () => new signalR.JsonHubProtocol();
const messagePack = () => new MessagePackHubProtocol();

/** What is tested. Server-Sent Events carry only text, so MessagePack has no cell there. */
const cells = [
  { transport: WebSockets, protocol: json },
  { transport: WebSockets, protocol: messagePack },
  { transport: ServerSentEvents, protocol: json },
  { transport: LongPolling, protocol: json },
  { transport: LongPolling, protocol: messagePack },
];

/** The largest message that the server takes, in bytes with its framing. */
const LARGEST = 32 * 1024;

const invoking = (method) => `An unexpected error occurred invoking '${method}' on the server.`;
const streaming = 'An error occurred on the server while streaming results.';

let server;

before(async () => {
  server = await Program.start('MESAHUB_EVERYTHING_BIN');
});

after(async () => server?.stop());

for (const cell of cells) {
  const name = `${cell.protocol().name} over ${signalR.HttpTransportType[cell.transport]}`;
  describe(name, () => everything(cell));
}

function everything({ transport, protocol }) {
  const isBinary = protocol().transferFormat === signalR.TransferFormat.Binary;
  const opened = [];

  after(async () => {
    await Promise.allSettled(opened.map((connection) => connection.stop()));
  });

  /** A connected client. `handlers` are what the server can call; `retries` are delays in ms. */
  async function connect({ handlers = {}, retries } = {}) {
    let builder = new signalR.HubConnectionBuilder()
      .withUrl(`${server.url}/everything`, { transport })
      .withHubProtocol(protocol())
      .configureLogging(signalR.LogLevel.None);
    if (retries) {
      builder = builder.withAutomaticReconnect(retries);
    }
    const connection = builder.build();
    for (const [method, handler] of Object.entries(handlers)) {
      connection.on(method, handler);
    }
    opened.push(connection);
    await within(connection.start(), 'connecting');
    return connection;
  }

  async function echoes(values) {
    const connection = await connect();
    for (const value of values) {
      assert.deepEqual(await invoke(connection, 'Echo', value), value);
    }
  }

  describe('calls', () => {
    test('an invocation gives its result', async () => {
      const connection = await connect();
      assert.equal(await invoke(connection, 'Add', 20, 3), 23);
      assert.equal(await invoke(connection, 'aDD', -1, 1), 0);
      assert.equal(await invoke(connection, 'Nothing'), null);
    });

    test('any value comes back unchanged', () =>
      echoes([
        null,
        true,
        false,
        0,
        -1,
        1.5,
        1e300,
        '',
        [],
        [[], [null, 1, 'two', [3.25]]],
        { a: { b: [{ c: null }] }, 'with space': 1, 'type': 7, 'invocationId': 'x' },
      ]));

    test('text of any kind comes back unchanged', () =>
      echoes([
        'Grüße, 北京, עברית, العربية',
        '\u{1f355}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} e\u0301',
        'line\nbreak\ttab\rreturn',
        '\u0000\u0001\u001e\u007f\u0085\u2028\u2029\ufeff\uffff',
        '"\\\'</script>',
        '\ud7ff\ue000\u{10ffff}',
      ]));

    test('big integers are exact as far as numbers are, and beyond as text', () =>
      echoes([
        2 ** 31 - 1,
        -(2 ** 31),
        2 ** 32,
        Number.MAX_SAFE_INTEGER,
        Number.MIN_SAFE_INTEGER,
        '9007199254740993',
        '18446744073709551615',
        '-170141183460469231731687303715884105728',
      ]));

    test('dates travel as ISO texts', async () => {
      const connection = await connect();
      for (const text of ['2026-02-28T23:59:59.999Z', '1970-01-01T00:00:00.000Z', '1969-07-20T20:17:40.000Z']) {
        const date = new Date(text);
        assert.equal(await invoke(connection, 'Echo', text), text);
        const back = await invoke(connection, 'Echo', date);
        assert.equal(typeof back, 'string');
        assert.equal(new Date(back).getTime(), date.getTime());
      }
    });

    test('bytes come back as the protocol has them', async () => {
      const connection = await connect();
      const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
      const sent = isBinary ? bytes : [...bytes];
      const back = await invoke(connection, 'EchoBytes', sent);
      assert.equal(back instanceof Uint8Array, isBinary);
      assert.deepEqual([...back], [...bytes]);
    });

    test('many at once are answered each with its own result', async () => {
      const connection = await connect();
      const numbers = Array.from({ length: 200 }, (_, index) => index);
      const results = await Promise.all(
        numbers.map((number) => invoke(connection, 'Add', number, 1000)),
      );
      assert.deepEqual(
        results,
        numbers.map((number) => number + 1000),
      );
    });

    test('errors have the official texts', async () => {
      const connection = await connect();
      const failed = (method) => `Failed to invoke '${method}' due to an error on the server.`;
      for (const [method, args, text] of [
        ['Fail', [], `${invoking('Fail')} HubException: The table is taken.`],
        ['Crash', [], invoking('Crash')],
        ['Panic', [], invoking('Panic')],
        ['Nope', [], `${failed('Nope')} HubException: Method does not exist.`],
        ['Add', [1], failed('Add')],
        ['Add', ['one', 2], failed('Add')],
        [
          'Count',
          [3],
          "The client attempted to invoke the streaming 'Count' method with a non-streaming invocation.",
        ],
      ]) {
        const error = await rejection(connection.invoke(method, ...args), method);
        assert.equal(error.message, text);
      }
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
    });
  });

  describe('calls of the server', () => {
    test('a handler gets what the server sends, and sends want no answer', async () => {
      const heard = queue();
      const connection = await connect({ handlers: { told: (...args) => heard.put(args) } });
      const args = [1, 'two', [3], { four: null }];
      await within(connection.send('Tell', 'told', args), 'sending');
      assert.deepEqual(await heard.next(), args);
      await within(connection.send('Tell', 'TOLD', []), 'sending');
      assert.deepEqual(await heard.next(), []);
      await within(connection.send('Fail'), 'sending');
      await within(connection.send('Nope'), 'sending');
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
    });

    test('a broadcast reaches everybody, and a group its members', async () => {
      const clients = [];
      for (let count = 0; count < 3; count += 1) {
        const heard = queue();
        const mine = (text) => text.startsWith(marker) && heard.put(text);
        clients.push({ heard, connection: await connect({ handlers: { heard: mine } }) });
      }
      const [first, second, third] = clients;
      const marker = first.connection.connectionId;
      await invoke(first.connection, 'Broadcast', `${marker} all`);
      for (const { heard } of clients) {
        assert.equal(await heard.next(), `${marker} all`);
      }
      await invoke(first.connection, 'Join', marker);
      await invoke(third.connection, 'Join', marker);
      await invoke(second.connection, 'TellGroup', marker, `${marker} group`);
      assert.equal(await first.heard.next(), `${marker} group`);
      assert.equal(await third.heard.next(), `${marker} group`);
      // Only what goes to the same address keeps its order.
      await invoke(second.connection, 'Broadcast', `${marker} end`);
      assert.equal(await second.heard.next(), `${marker} end`);
    });

    test('the server asks the client for a value', async () => {
      const connection = await connect({ handlers: { name: async () => 'Ada \u{1f355}' } });
      assert.equal(await invoke(connection, 'AskName'), 'Ada \u{1f355}');
    });

    test('a client that fails to answer is quoted', async () => {
      const asked = (text) => `${invoking('AskName')} HubException: ${text}`;
      const silent = await connect();
      let error = await rejection(silent.invoke('AskName'));
      assert.equal(error.message, asked("Client didn't provide a result."));
      const failing = await connect({
        handlers: {
          name: () => {
            throw new Error('I have none');
          },
        },
      });
      error = await rejection(failing.invoke('AskName'));
      assert.equal(error.message, asked('Error: I have none'));
      const wrong = await connect({ handlers: { name: () => 42 } });
      error = await rejection(wrong.invoke('AskName'));
      const begins = asked('Error trying to deserialize result to String. ');
      assert.equal(error.message.slice(0, begins.length), begins);
    });
  });

  describe('streams', () => {
    test('items come in order and then the end', async () => {
      const connection = await connect();
      assert.deepEqual(await collected(connection.stream('Count', 3)), [0, 1, 2]);
      assert.deepEqual(await collected(connection.stream('Count', 0)), []);
      const many = await collected(connection.stream('Count', 5000));
      assert.deepEqual(
        many,
        Array.from({ length: 5000 }, (_, index) => index),
      );
    });

    test('several at once and calls between them', async () => {
      const connection = await connect();
      const streams = [100, 200, 300].map((count) => collected(connection.stream('Count', count)));
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
      const lengths = (await Promise.all(streams)).map((items) => items.length);
      assert.deepEqual(lengths, [100, 200, 300]);
    });

    test('a stream that fails has given its items before', async () => {
      const connection = await connect();
      for (const [method, text] of [
        ['CountAndFail', `${streaming} HubException: The kitchen is closed.`],
        ['CountAndCrash', streaming],
      ]) {
        const items = [];
        const error = await rejection(collected(connection.stream(method, 2), items));
        assert.equal(error.message, text);
        assert.deepEqual(items, [0, 1]);
      }
      const error = await rejection(collected(connection.stream('Add', 1, 2)));
      assert.equal(
        error.message,
        "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
      );
    });

    test('a stream that is cancelled is dropped by the server', async () => {
      const connection = await connect();
      const enough = new Promise((resolve, reject) => {
        const subscription = connection.stream('CountForever').subscribe({
          next: (number) => {
            if (number === 5) {
              subscription.dispose();
              resolve();
            }
          },
          complete: () => reject(new Error('it ended by itself')),
          error: reject,
        });
      });
      await within(enough, 'five items');
      assert.equal(await invoke(connection, 'NobodyCounts'), true);
    });

    test('a stream ends with its connection', async () => {
      const connection = await connect();
      const first = new Promise((next, error) => {
        connection.stream('CountForever').subscribe({ next, error, complete: error });
      });
      await within(first, 'an item');
      await within(connection.stop(), 'stopping');
      const other = await connect();
      assert.equal(await invoke(other, 'NobodyCounts'), true);
    });

    test('a client uploads a stream, or two', async () => {
      const connection = await connect();
      assert.equal(await invoke(connection, 'Sum', source([1, 2, 3])), 6);
      assert.equal(await invoke(connection, 'Sum', source([])), 0);
      const many = Array.from({ length: 500 }, (_, index) => index);
      assert.equal(await invoke(connection, 'Sum', source(many)), 124_750);
      // The official client overlooks a stream that directly follows another.
      const both = [source([1, 2]), 1000, source([10, 20, 30])];
      assert.deepEqual(await invoke(connection, 'SumBoth', ...both), [1003, 1060]);
    });

    test('an upload that is fed while it is answered', async () => {
      const connection = await connect();
      const subject = new signalR.Subject();
      const scaled = queue();
      const ended = new Promise((resolve, reject) => {
        connection
          .stream('Scale', subject, 3)
          .subscribe({ next: (item) => scaled.put(item), complete: resolve, error: reject });
      });
      for (let number = 0; number < 20; number += 1) {
        subject.next(number);
        assert.equal(await scaled.next(), number * 3);
      }
      subject.complete();
      await within(ended, 'the end');
    });

    test('an upload that fails or does not fit is seen by the handler', async () => {
      const connection = await connect();
      const subject = new signalR.Subject();
      const failing = rejection(connection.invoke('Sum', subject));
      subject.next(1);
      subject.error(new Error('the oven is cold'));
      const said = `${invoking('Sum')} HubException: `;
      assert.equal((await failing).message, `${said}the oven is cold`);
      const error = await rejection(connection.invoke('Sum', source([1, 'two'])));
      assert.equal(error.message, `${said}Failed to bind Stream message.`);
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
    });
  });

  describe('large messages', () => {
    /** A text with which the first call of a connection has just so many bytes. */
    function textFor(bytes) {
      const length = (text) => {
        const message = { type: 1, invocationId: '0', target: 'Echo', arguments: [text] };
        const written = protocol().writeMessage(message);
        return typeof written === 'string' ? Buffer.byteLength(written) : written.byteLength;
      };
      // Near the length that is wanted, so that prefixes have their final size.
      const near = 'x'.repeat(bytes - 200);
      return near + 'x'.repeat(bytes - length(near));
    }

    test('the largest that the server takes comes back', async () => {
      const connection = await connect();
      const text = textFor(LARGEST);
      assert.equal(await invoke(connection, 'Echo', text), text);
    });

    test('one byte more ends the connection with the official text', async () => {
      const connection = await connect();
      const ended = closed(connection);
      const calling = rejection(connection.invoke('Echo', textFor(LARGEST + 1)));
      const text = 'Server returned an error on close: Connection closed with an error.';
      assert.equal((await ended)?.message, text);
      const told = [text];
      if (transport !== WebSockets) {
        // The connection may be over before the request that carries the call has been read.
        told.push("Not Found: Status code '404'");
      }
      const { message } = await calling;
      assert.ok(told.includes(message), message);
    });

    test('what the server sends may be of any size', async () => {
      const connection = await connect();
      const text = await invoke(connection, 'Repeat', '\u{1f355}', 500_000);
      assert.equal(text.length, 1_000_000);
      assert.equal(text, '\u{1f355}'.repeat(500_000));
    });
  });

  describe('ending', () => {
    test('a client that is sent away comes back with a new id', async () => {
      const connection = await connect({ retries: [0, 0, 0] });
      const first = connection.connectionId;
      const back = new Promise((resolve, reject) => {
        connection.onreconnected(resolve);
        connection.onclose(() => reject(new Error('closed for good')));
      });
      // The call may be answered or cut off; either way the client comes back.
      connection.invoke('SendAway').catch(() => {});
      const second = await within(back, 'coming back');
      assert.notEqual(second, first);
      assert.equal(connection.connectionId, second);
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
    });

    test('a client that is closed plainly stays away', async () => {
      const connection = await connect({ retries: [0, 0, 0] });
      connection.onreconnecting(() => assert.fail('it tries to come back'));
      const ended = closed(connection);
      connection.invoke('Leave').catch(() => {});
      assert.equal(await ended, undefined);
      assert.equal(connection.state, 'Disconnected');
    });

    test('a client that stops may start again', async () => {
      const connection = await connect();
      const ended = closed(connection);
      await within(connection.stop(), 'stopping');
      assert.equal(await ended, undefined);
      await within(connection.start(), 'starting again');
      assert.equal(await invoke(connection, 'Add', 1, 2), 3);
    });
  });
}

function invoke(connection, method, ...args) {
  return within(connection.invoke(method, ...args), `the result of ${method}`);
}

/** Everything that a stream gives, once it has ended. */
function collected(stream, items = []) {
  const ended = new Promise((resolve, reject) => {
    stream.subscribe({
      next: (item) => items.push(item),
      complete: () => resolve(items),
      error: reject,
    });
  });
  return within(ended, 'the end of a stream');
}

/** A stream that gives these items as soon as it is uploaded. */
function source(items) {
  return {
    subscribe(subscriber) {
      items.forEach((item) => subscriber.next(item));
      subscriber.complete();
      return { dispose() {} };
    },
  };
}

/** What was put in, one after the other, whether it is there already or still to come. */
function queue() {
  const items = [];
  const waiting = [];
  return {
    put(item) {
      const next = waiting.shift();
      if (next) {
        next(item);
      } else {
        items.push(item);
      }
    },
    next() {
      if (items.length > 0) {
        return Promise.resolve(items.shift());
      }
      return within(new Promise((resolve) => waiting.push(resolve)), 'the next item');
    },
  };
}

/** The error with which the connection closes for good. */
function closed(connection) {
  return within(new Promise((resolve) => connection.onclose(resolve)), 'waiting for the close');
}
