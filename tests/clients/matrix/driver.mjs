// What scenarios need and a browser cannot do: the server, tokens, and proxies before it.

import { Cable } from '../cable.mjs';
import { Doorman } from '../doorman.mjs';
import { newKey } from '../harness.mjs';
import { Program } from '../program.mjs';
import { mint } from '../tokens.mjs';

/** The hub of everything, and whatever stands before it in the running cell. */
export class Driver {
  #program;
  #key;
  #proxies = [];

  #commands = {
    token: (userId) => mint({ userId }, { key: this.#key }),
    cable: async () => this.#put(await Cable.to(this.#port)),
    doorman: async (refused) => this.#put(await Doorman.before(this.#port, refused)),
    cut: (id) => this.#proxies[id].cut(),
    unplug: (id) => this.#proxies[id].unplug(),
    plug: (id) => this.#proxies[id].plug(),
    opened: (id) => this.#proxies[id].opened,
    seen: (id) => this.#proxies[id].seen,
  };

  /** Starts the hub; pages of `origins` may use it. */
  static async start(origins = []) {
    const driver = new Driver();
    driver.#key = newKey();
    driver.#program = await Program.start('MESAHUB_EVERYTHING_BIN', [
      '--verbose',
      ...['--signing-key', driver.#key],
      ...origins.flatMap((origin) => ['--origin', origin]),
    ]);
    return driver;
  }

  /** `http://127.0.0.1:port`. */
  get url() {
    return this.#program.url;
  }

  /** What the server has written so far. */
  get log() {
    return this.#program.log;
  }

  /** Does what a scenario asks for; what it gives can travel as JSON. */
  async command(name, ...args) {
    return this.#commands[name](...args);
  }

  /** Takes away what the cell has put before the server. */
  reset() {
    for (const proxy of this.#proxies.splice(0)) {
      proxy.close();
    }
  }

  async stop() {
    this.reset();
    await this.#program.stop();
  }

  get #port() {
    return Number(new URL(this.url).port);
  }

  #put(proxy) {
    this.#proxies.push(proxy);
    return { id: this.#proxies.length - 1, url: proxy.url };
  }
}
