// What a scenario acts on: official clients in one cell of the matrix, whatever runs them.

import { within } from '../deadline.mjs';

/** The delays of a client that comes back at once and goes on trying, in milliseconds. */
export const TIRELESS = [0, ...Array(500).fill(50)];

/**
 * One cell's clients and the servers that they see.
 *
 * Nothing here may be of Node only: it runs in a browser too. `client` holds the official client's
 * exports, `driver` does what a browser cannot, `write` takes the lines of the clients' logs.
 */
export class Stage {
  #client;
  #driver;
  #write;
  #opened = [];

  constructor({ client, column, url, driver, write }) {
    this.#client = client;
    this.#driver = driver;
    this.#write = write;
    this.column = column;
    this.url = url;
  }

  /** The official client's exports. */
  get signalR() {
    return this.#client.signalR;
  }

  /** A new instance of the column's hub protocol. */
  protocol() {
    const { signalR, MessagePackHubProtocol } = this.#client;
    return this.isBinary ? new MessagePackHubProtocol() : new signalR.JsonHubProtocol();
  }

  get isBinary() {
    return this.column.protocol === 'MessagePack';
  }

  /** Whether the column's transport is this one. */
  over(transport) {
    return this.column.transport === transport;
  }

  /**
   * A client, configured but not started.
   *
   * `handlers` are what the server can call; `retries` the delays of the automatic reconnect in
   * ms, without which there is none; `transport` one or several instead of the column's own;
   * `watch` sees each line of the client's log.
   */
  client({
    url = this.url,
    handlers = {},
    retries,
    stateful = false,
    skipNegotiation = false,
    transport = this.signalR.HttpTransportType[this.column.transport],
    token = () => this.#driver('token', 'anna'),
    watch = () => {},
  } = {}) {
    const { signalR } = this;
    const log = (level, text) => {
      this.#write(`${signalR.LogLevel[level]}: ${text}`);
      watch(text);
    };
    let builder = new signalR.HubConnectionBuilder()
      .withUrl(`${url}/everything`, { transport, skipNegotiation, accessTokenFactory: token })
      .withHubProtocol(this.protocol())
      .configureLogging({ log });
    if (retries) {
      builder = builder.withAutomaticReconnect(retries);
    }
    if (stateful) {
      builder = builder.withStatefulReconnect();
    }
    const connection = builder.build();
    for (const [method, handler] of Object.entries(handlers)) {
      connection.on(method, handler);
    }
    this.#opened.push(connection);
    return connection;
  }

  /** A client that is connected. */
  async connect(options) {
    const connection = this.client(options);
    await within(connection.start(), 'connecting');
    return connection;
  }

  /** A cable to the server: its `url`, and ways to cut it. */
  async cable() {
    const cable = await this.#driver('cable');
    return this.#remote(cable, ['cut', 'unplug', 'plug', 'opened']);
  }

  /** A proxy that refuses these transports, and tells which it let through. */
  async doorman(refused) {
    const doorman = await this.#driver('doorman', refused);
    return this.#remote(doorman, ['seen']);
  }

  /** Ends every client, whatever state it is in. */
  async close() {
    await Promise.allSettled(this.#opened.map((connection) => connection.stop()));
  }

  #remote({ id, url }, methods) {
    const call = (method) => [method, () => this.#driver(method, id)];
    return { url, ...Object.fromEntries(methods.map(call)) };
  }
}

/** The result of a call, under the deadline. */
export function invoke(connection, method, ...args) {
  return within(connection.invoke(method, ...args), `the result of ${method}`);
}

/** The error with which the connection closes for good, if any. */
export function closed(connection) {
  return within(new Promise((resolve) => connection.onclose(resolve)), 'the close');
}

/** The error with which the connection is lost, if any; it comes back or tries to. */
export function lost(connection) {
  return within(new Promise((resolve) => connection.onreconnecting(resolve)), 'losing the server');
}

/** The id with which the client is back. */
export function back(connection) {
  const back = new Promise((resolve, reject) => {
    connection.onreconnected(resolve);
    connection.onclose((error) => reject(error ?? new Error('closed for good')));
  });
  return within(back, 'coming back');
}
