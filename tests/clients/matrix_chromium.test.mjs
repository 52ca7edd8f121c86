// The matrix with the official client in a headless Chromium, from a page of another origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startChromium } from './chromium.mjs';
import { within } from './deadline.mjs';
import { Driver } from './matrix/driver.mjs';
import { runMatrix } from './matrix/runner.mjs';
import { CELLS } from './matrix/table.mjs';
import { Site } from './site.mjs';

/** A browser, the site whose pages it opens, and a hub that lets those pages in. */
async function start() {
  const browser = await startChromium();
  const site = await Site.open();
  const driver = await Driver.start([site.origin]);
  return {
    browser,
    site,
    driver,
    async stop() {
      await Promise.allSettled([browser.stop(), driver.stop()]);
      site.close();
    },
  };
}

runMatrix('Chromium', async () => {
  const { browser, site, driver, stop } = await start();
  const drive = (...command) => driver.command(...command);
  // One tab for the cells of a column; whatever a failed cell left in it goes with it.
  const tabs = new Map();
  return {
    driver,
    stop,
    async run(cell, write) {
      const { column } = cell;
      const tab = tabs.get(column) ?? (await browser.open(site.origin, drive));
      tabs.set(column, tab);
      tab.write = write;
      try {
        await tab.call('play', CELLS.indexOf(cell), driver.url);
      } catch (error) {
        tabs.delete(column);
        await tab.close();
        throw error;
      }
    },
  };
});

describe('a page of an origin that is not listed', () => {
  let there;

  before(async () => {
    there = await start();
  });

  after(async () => there?.stop());

  test('is refused over every transport and gets no connection', async () => {
    const { browser, site, driver } = there;
    const tab = await browser.open(site.otherOrigin, () => {});
    const lines = [];
    tab.write = (line) => lines.push(line);
    const token = await driver.command('token', 'anna');
    const errors = await within(tab.call('refusals', driver.url, token), 'the refusals');
    assert.equal(errors.length, 4);
    for (const error of errors) {
      assert.match(error ?? 'connected', /failed to connect|Failed to fetch/i);
    }
    assert.ok(
      lines.some((line) => line.includes('blocked by CORS policy')),
      lines.join('\n'),
    );
    assert.doesNotMatch(driver.log, /: connected /);
  });
});
