// A headless Chromium of the test's own.

import { chromium } from 'playwright-core';

import { DEADLINE, within } from './deadline.mjs';

/** Starts the browser that `MESAHUB_TEST_CHROMIUM` names. */
export async function startChromium() {
  const executablePath = process.env.MESAHUB_TEST_CHROMIUM;
  if (!executablePath) {
    throw new Error(
      'MESAHUB_TEST_CHROMIUM must name a Chromium; `cargo xtask test` finds one and sets it',
    );
  }
  // Its sandbox does not work for root, and all it opens is our own page.
  const starting = { executablePath, chromiumSandbox: false, timeout: 2 * DEADLINE };
  return new Browser(await chromium.launch(starting));
}

class Browser {
  #browser;

  constructor(browser) {
    this.#browser = browser;
  }

  /** A tab of its own profile, at a page that sets `ready` once it is. */
  async open(url, drive) {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE);
    const tab = new Tab(page);
    await page.exposeFunction('drive', drive);
    await page.goto(url);
    await page.waitForFunction('globalThis.ready === true');
    return tab;
  }

  /** Ends it, whatever state it is in. */
  async stop() {
    await within(this.#browser.close(), 'the browser to end');
  }
}

class Tab {
  #page;
  #crashed;

  /** Takes what the page writes to its console. */
  write = () => {};

  constructor(page) {
    this.#page = page;
    page.on('console', (message) => this.write(message.text()));
    page.on('pageerror', (error) => this.write(`uncaught: ${error.stack}`));
    this.#crashed = new Promise((_, reject) => {
      page.on('crash', () => reject(new Error('the page crashed')));
    });
    // Whoever calls the page next is told.
    this.#crashed.catch(() => {});
  }

  /** Calls a global function of the page; a crash is an error too. */
  async call(name, ...args) {
    const calling = this.#page.evaluate(([name, args]) => globalThis[name](...args), [name, args]);
    return Promise.race([calling, this.#crashed]);
  }

  async close() {
    await this.#page.context().close();
  }
}
