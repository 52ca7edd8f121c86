// A way to the server that can be cut.

import { connect, createServer } from 'node:net';

/** A TCP proxy on a free port of the loopback. */
export class Cable {
  #sockets = new Set();
  #server;
  #plugged = true;

  /** How many connections it has carried. */
  opened = 0;

  /** A cable to this port of the loopback. */
  static async to(port) {
    const cable = new Cable();
    cable.#server = createServer((near) => cable.#carry(near, port));
    await new Promise((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    cable.port = cable.#server.address().port;
    return cable;
  }

  /** `http://127.0.0.1:port`. */
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection and says how many there were; new ones are welcome. */
  cut() {
    const sockets = [...this.#sockets];
    for (const socket of sockets) {
      socket.destroy();
    }
    // Each connection is a socket on either side.
    return sockets.length / 2;
  }

  /** Cuts every connection, says how many there were, and refuses new ones. */
  unplug() {
    this.#plugged = false;
    return this.cut();
  }

  /** Lets new connections through again. */
  plug() {
    this.#plugged = true;
  }

  close() {
    this.cut();
    this.#server.close();
  }

  #carry(near, port) {
    if (!this.#plugged) {
      near.destroy();
      return;
    }
    this.opened += 1;
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
