// A mesahub of the test's own, official clients connected to it, and the HTTP API.
//
// Nothing here sleeps: everything is an awaited event under a deadline.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import * as signalR from '@microsoft/signalr';

import { DEADLINE, within } from './deadline.mjs';
import { Inbox } from './inbox.mjs';
import { Program } from './program.mjs';
import { mint } from './tokens.mjs';

export { rejection, within } from './deadline.mjs';
export { nextEvent } from './inbox.mjs';
export { claims, mint, secondsFromNow, tamper } from './tokens.mjs';

/** Starts the binary that `MESAHUB_BIN` names and waits until it listens. */
export async function startServer({ port = 0, key = newKey(), settings = {} } = {}) {
  const configuration = {
    // What `Development` shows in errors is for people; clients compare the official texts.
    'RealTimeConfiguration:SignalR:EnableDetailedErrors': 'false',
    'Mesahub:Authentication:ClockSkew': '0',
    ...settings,
  };
  const flags = Object.entries(configuration).flatMap(([name, value]) => [
    '--set',
    `${name}=${value}`,
  ]);
  const program = await Program.start(
    'MESAHUB_BIN',
    [
      'serve',
      ...['--environment', 'Development'],
      ...['--config-dir', fileURLToPath(new URL('../../config', import.meta.url))],
      ...['--address', `127.0.0.1:${port}`],
      ...flags,
    ],
    { Mesahub__Authentication__SigningKey: key },
  );
  return new Server(program, key);
}

class Server {
  #program;
  #key;
  #connections = [];
  #tokens = [];

  constructor(program, key) {
    this.#program = program;
    this.#key = key;
  }

  /** `http://127.0.0.1:port`. */
  get url() {
    return this.#program.url;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  get key() {
    return this.#key;
  }

  get hub() {
    return `${this.url}/hubs/notifications`;
  }

  /** What the server has written to standard error so far. */
  get log() {
    return this.#program.log;
  }

  /** Every token that was made for this server. */
  get tokens() {
    return this.#tokens;
  }

  /** A token that this server accepts, unless `options` or the claims spoil it. */
  token(claims, options = {}) {
    const token = mint(claims, { key: this.#key, ...options });
    this.#tokens.push(token);
    return token;
  }

  /**
   * An official client, configured but not started.
   *
   * `token` is a token or a function that gives one each time it is asked. `retries` are the
   * delays of the automatic reconnect, in milliseconds; without them there is none.
   */
  client({
    token,
    transport = signalR.HttpTransportType.WebSockets,
    skipNegotiation = false,
    retries,
  } = {}) {
    let builder = new signalR.HubConnectionBuilder()
      .withUrl(this.hub, {
        accessTokenFactory: token && (typeof token === 'function' ? token : () => token),
        transport,
        skipNegotiation,
      })
      .configureLogging(signalR.LogLevel.None);
    if (retries) {
      builder = builder.withAutomaticReconnect(retries);
    }
    const connection = builder.build();
    this.#connections.push(connection);
    return connection;
  }

  /** An official client, connected, and everything that it receives. */
  async connect(options) {
    const connection = this.client(options);
    const inbox = new Inbox(connection);
    await within(connection.start(), 'connecting');
    // The handshake is answered before the connect handler has run; a call is answered after it,
    // and then the client is in its channels.
    await within(connection.invoke('Ping'), 'being welcomed');
    return { connection, inbox };
  }

  /** `connect`, for somebody with these claims. */
  async connectAs(claims, options = {}) {
    return this.connect({ ...options, token: this.token(claims) });
  }

  /** Sends JSON to the HTTP API and gives `{ status, headers, body }`. */
  async post(path, body, token) {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  }

  /** Publishes one notification, which must be accepted, and gives its id. */
  async publish(token, notification) {
    const { status, body } = await this.post('/api/v1/notifications', notification, token);
    if (status !== 202 || typeof body?.id !== 'string') {
      throw new Error(`not accepted: ${status} ${JSON.stringify(body)}`);
    }
    return body.id;
  }

  /** Asks the server to end and gives how it did. */
  async terminate() {
    return this.#program.terminate();
  }

  /** How the server ended, once it has. */
  async ended() {
    return this.#program.ended();
  }

  /** Ends the clients and the server, whatever state they are in. */
  async stop() {
    await Promise.allSettled(this.#connections.map((connection) => connection.stop()));
    await this.#program.stop();
  }
}

/** The stable name of the refusal in a problem body (RFC 9457): `{"code": name, "detail": text}`. */
export function refusal({ body }) {
  return body?.code;
}

/** A signing key that HS256 may use. */
export function newKey() {
  return randomBytes(32).toString('hex');
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
