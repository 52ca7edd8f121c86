// A way to the server that is closed for some transports, as some company's proxy is.

import { createServer, request } from 'node:http';

/** An HTTP proxy on a free port of the loopback; it refuses all WebSockets and what it is told. */
export class Doorman {
  #server;
  #target;
  #refused = new Set();
  #passed = new Set();
  #refuses;

  /** A doorman before this port of the loopback who refuses these transports. */
  static async before(port, refuses) {
    const doorman = new Doorman();
    doorman.#target = port;
    doorman.#refuses = refuses;
    doorman.#server = createServer((incoming, outgoing) => doorman.#admit(incoming, outgoing));
    doorman.#server.on('upgrade', (incoming, socket) => {
      doorman.#refused.add('WebSockets');
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    await new Promise((resolve) => doorman.#server.listen(0, '127.0.0.1', resolve));
    doorman.url = `http://127.0.0.1:${doorman.#server.address().port}`;
    return doorman;
  }

  /** The transports that came, in their order: `{ passed, refused }`. */
  get seen() {
    return { passed: [...this.#passed], refused: [...this.#refused] };
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #admit(incoming, outgoing) {
    const transport = transportOf(incoming);
    if (this.#refuses.includes(transport)) {
      this.#refused.add(transport);
      outgoing.writeHead(403).end();
      return;
    }
    if (transport) {
      this.#passed.add(transport);
    }
    const { method, url, headers } = incoming;
    const passing = request({ host: '127.0.0.1', port: this.#target, method, path: url, headers });
    passing.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      // The head of an event stream must not wait for its first event.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    passing.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passing.destroy());
    incoming.pipe(passing);
  }
}

/** The transport that a request opens or goes on with; a negotiation or a send is of none. */
function transportOf({ method, headers }) {
  if (method !== 'GET') {
    return undefined;
  }
  return headers.accept === 'text/event-stream' ? 'ServerSentEvents' : 'LongPolling';
}
