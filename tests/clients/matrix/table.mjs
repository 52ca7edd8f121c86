// The matrix: every scenario in every column of transport and protocol.

import { beginnings } from './scenarios/beginnings.mjs';
import { calls } from './scenarios/calls.mjs';
import { reconnects } from './scenarios/reconnects.mjs';
import { serverCalls } from './scenarios/server_calls.mjs';
import { sizes } from './scenarios/sizes.mjs';
import { stateful } from './scenarios/stateful.mjs';
import { streams } from './scenarios/streams.mjs';

const TRANSPORTS = ['WebSockets', 'ServerSentEvents', 'LongPolling'];
const PROTOCOLS = ['JSON', 'MessagePack'];

/** What must be tested in each column, or be excluded there with a reason. */
export const FEATURES = [
  'invoke',
  'send',
  'stream',
  'upload',
  'cancel',
  'client result',
  'server call',
  'reconnect',
  'stateful reconnect',
  'large message',
  'Unicode',
  'binary',
  'dates',
  'big integers',
  'errors',
  'token',
  'skipped negotiation',
  'fallback',
  'server timeout',
  'stop',
];

/** `{ transport, protocol, name }`, `name` as people say it. */
export const COLUMNS = TRANSPORTS.flatMap((transport) =>
  PROTOCOLS.map((protocol) => ({ transport, protocol, name: `${protocol} over ${transport}` })),
);

const SCENARIOS = [
  ...calls,
  ...serverCalls,
  ...streams,
  ...sizes,
  ...reconnects,
  ...stateful,
  ...beginnings,
];

/**
 * Every cell: `{ feature, name, column, run }`.
 *
 * `name` says feature and scenario; `excluded` says why the cell cannot be, and is not there when
 * it can.
 */
export const CELLS = COLUMNS.flatMap((column) =>
  SCENARIOS.map(({ feature, name, excluded, run }) => ({
    feature,
    name: `${feature}: ${name}`,
    column,
    excluded: textOnly(column) || excluded?.(column) || undefined,
    run,
  })),
);

function textOnly({ transport, protocol }) {
  return (
    transport === 'ServerSentEvents' &&
    protocol === 'MessagePack' &&
    'event streams carry text only, and MessagePack is binary'
  );
}
