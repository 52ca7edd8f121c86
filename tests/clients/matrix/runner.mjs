// Runs the matrix in one runtime: a test for each cell, and a report at the end.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { within } from '../deadline.mjs';
import { Report } from './report.mjs';
import { CELLS, COLUMNS, FEATURES } from './table.mjs';

/** How long one cell may take in all, in milliseconds. Each of its steps has its own deadline. */
const WHOLE_CELL = 120_000;

/**
 * Declares the tests of every cell in the runtime of this name.
 *
 * `start` begins before the first cell and gives `{ driver, run, stop }`, where `run(cell, write)`
 * plays a cell's scenario and hands the lines of its clients' logs to `write`.
 */
export function runMatrix(name, start) {
  const report = new Report(name);
  let runtime;

  async function play(cell) {
    const { driver } = runtime;
    const [lines, begin] = [[], driver.log.length];
    try {
      const played = runtime.run(cell, (line) => lines.push(line));
      await within(played, 'the whole cell', WHOLE_CELL);
      report.passed(cell);
    } catch (error) {
      report.failed(cell);
      console.log(`FAILED in ${name}: ${cell.name}, ${cell.column.name}\n${error.stack}`);
      console.log(`the clients' log:\n${lines.join('\n')}`);
      console.log(`the server's log:\n${driver.log.slice(begin)}`);
      throw error;
    } finally {
      driver.reset();
    }
  }

  describe(`in ${name}`, () => {
    before(async () => {
      runtime = await start();
    });

    after(async () => {
      console.log(report.text);
      await runtime?.stop();
    });

    for (const column of COLUMNS) {
      const cells = CELLS.filter((cell) => cell.column === column && !cell.excluded);
      if (cells.length > 0) {
        describe(column.name, () => {
          cells.forEach((cell) => test(cell.name, () => play(cell)));
        });
      }
    }

    test('every feature has cells in every column', () => {
      for (const column of COLUMNS) {
        const there = CELLS.filter((cell) => cell.column === column).map(({ feature }) => feature);
        assert.deepEqual(new Set(there), new Set(FEATURES), column.name);
      }
    });

    test('every cell was played or is excluded with a reason', () => {
      const missing = report.missing.map((cell) => `${cell.name}, ${cell.column.name}`);
      assert.deepEqual(missing, []);
    });
  });
}
