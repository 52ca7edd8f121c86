// Messages as large as they may be, and larger.

import { rejection } from '../../deadline.mjs';
import { holds, same } from '../expect.mjs';
import { closed, invoke } from '../stage.mjs';

/** The largest message that the server takes, in bytes with its framing. */
const LARGEST = 32 * 1024;

/** A text with which the first call of a connection has just so many bytes. */
function textFor(stage, bytes) {
  const length = (text) => {
    const message = { type: 1, invocationId: '0', target: 'Echo', arguments: [text] };
    const written = stage.protocol().writeMessage(message);
    return typeof written === 'string'
      ? new TextEncoder().encode(written).length
      : written.byteLength;
  };
  // Near the length that is wanted, so that prefixes have their final size.
  const near = 'x'.repeat(bytes - 200);
  return near + 'x'.repeat(bytes - length(near));
}

export const sizes = [
  {
    feature: 'large message',
    name: 'the largest that the server takes comes back',
    async run(stage) {
      const connection = await stage.connect();
      const text = textFor(stage, LARGEST);
      same(await invoke(connection, 'Echo', text), text);
    },
  },
  {
    feature: 'large message',
    name: 'one byte more ends the connection with the official text',
    async run(stage) {
      const connection = await stage.connect();
      const ended = closed(connection);
      const calling = rejection(connection.invoke('Echo', textFor(stage, LARGEST + 1)));
      const text = 'Server returned an error on close: Connection closed with an error.';
      same((await ended)?.message, text);
      const told = [text];
      if (!stage.over('WebSockets')) {
        // The connection may be over before the request that carries the call has been read.
        told.push("Not Found: Status code '404'");
      }
      const { message } = await calling;
      holds(told.includes(message), `${message} is one of ${told.join(', ')}`);
    },
  },
  {
    feature: 'large message',
    name: 'what the server sends may be of any size',
    async run(stage) {
      const connection = await stage.connect();
      const text = await invoke(connection, 'Repeat', '\u{1f355}', 500_000);
      same(text.length, 1_000_000);
      holds(text === '\u{1f355}'.repeat(500_000), 'the text is what was asked for');
    },
  },
];
