// The browser's side of the matrix: plays a cell when the test asks for it.
//
// The official client's own browser bundles have been loaded before and are globals. `drive` is
// what the test lends the page; each line of a client's log goes to the console.

import { Stage } from './stage.mjs';
import { CELLS } from './table.mjs';

const { signalR } = globalThis;
const { MessagePackHubProtocol } = signalR.protocols.msgpack;

/** Plays the cell at this place in the table against the server at `url`. */
globalThis.play = async (index, url) => {
  const cell = CELLS[index];
  const stage = new Stage({
    client: { signalR, MessagePackHubProtocol },
    column: cell.column,
    url,
    driver: (...command) => globalThis.drive(...command),
    write: (line) => console.debug(line),
  });
  try {
    await cell.run(stage);
  } finally {
    await stage.close();
  }
};

/** The error of a client that this page may not have, over each transport. */
globalThis.refusals = async (url, token) => {
  const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;
  const ways = [
    { transport: WebSockets, skipNegotiation: true },
    { transport: WebSockets },
    { transport: ServerSentEvents },
    { transport: LongPolling },
  ];
  const errors = [];
  for (const way of ways) {
    const connection = new signalR.HubConnectionBuilder()
      .withUrl(`${url}/everything`, { ...way, accessTokenFactory: () => token })
      .configureLogging(signalR.LogLevel.None)
      .build();
    const error = await connection.start().then(
      () => undefined,
      (error) => error.message,
    );
    errors.push(error);
    await connection.stop();
  }
  return errors;
};

globalThis.ready = true;
