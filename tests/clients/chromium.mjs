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
  return chromium.launch({ executablePath, chromiumSandbox: false, timeout: 2 * DEADLINE });
}

/** A page that has loaded the matrix. `drive` does its commands, `write` takes its console. */
export async function openPage(browser, origin, { drive, write }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  page.on('console', (message) => write(message.text()));
  page.on('pageerror', (error) => write(`uncaught: ${error.stack}`));
  await page.exposeFunction('drive', drive);
  await page.goto(origin);
  await page.waitForFunction('globalThis.ready === true');
  return page;
}

/** Calls a global function of the page; a crash of the page is an error too. */
export async function call(page, name, ...args) {
  const crashed = new Promise((_, reject) => {
    page.once('crash', () => reject(new Error('the page crashed')));
  });
  return Promise.race([
    page.evaluate(([name, args]) => globalThis[name](...args), [name, args]),
    crashed,
  ]);
}

/** Ends the browser, whatever state it is in. */
export async function stopChromium(browser) {
  await within(browser.close(), 'the browser to end');
}
