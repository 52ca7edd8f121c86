// What became of each cell, as a table for people and a count for `cargo xtask test`.

import { CELLS, COLUMNS } from './table.mjs';

const HEADS = { WebSockets: 'WS', ServerSentEvents: 'SSE', LongPolling: 'LP' };
const SHORT = { JSON: 'JSON', MessagePack: 'MsgPack' };

/** The verdicts of all cells in one runtime. */
export class Report {
  #runtime;
  #verdicts = new Map();

  constructor(runtime) {
    this.#runtime = runtime;
    for (const cell of CELLS.filter(({ excluded }) => excluded)) {
      this.#verdicts.set(cell, 'excluded');
    }
  }

  passed(cell) {
    this.#verdicts.set(cell, 'passed');
  }

  failed(cell) {
    this.#verdicts.set(cell, 'FAILED');
  }

  /** The cells that have no verdict. */
  get missing() {
    return CELLS.filter((cell) => !this.#verdicts.has(cell));
  }

  /** The table, why cells are excluded, and the count. */
  get text() {
    return [...this.#table(), '', ...this.#exclusions(), this.#count(), ''].join('\n');
  }

  #table() {
    const names = [...new Set(CELLS.map(({ name }) => name))];
    const width = Math.max(...names.map((name) => name.length));
    const heads = COLUMNS.map(({ transport, protocol }) => `${HEADS[transport]} ${SHORT[protocol]}`);
    const row = (name, cells) => [name.padEnd(width), ...cells].join('  ');
    const verdicts = (name) =>
      COLUMNS.map((column, index) => {
        const cell = CELLS.find((cell) => cell.name === name && cell.column === column);
        const verdict = this.#verdicts.get(cell) ?? 'MISSING';
        return verdict.padEnd(heads[index].length);
      });
    const padded = heads.map((head) => head.padEnd('excluded'.length));
    heads.splice(0, heads.length, ...padded);
    return [
      row(this.#runtime, heads).trimEnd(),
      ...names.map((name) => row(name, verdicts(name)).trimEnd()),
    ];
  }

  #exclusions() {
    const reasons = new Map();
    for (const { excluded } of CELLS.filter(({ excluded }) => excluded)) {
      reasons.set(excluded, (reasons.get(excluded) ?? 0) + 1);
    }
    return [...reasons].map(([reason, count]) => `excluded: ${reason} (${count} cells)`);
  }

  #count() {
    const verdicts = [...this.#verdicts.values()];
    const count = (verdict) => verdicts.filter((other) => other === verdict).length;
    return (
      `cells in ${this.#runtime}: ${CELLS.length}, ${count('passed')} passed, ` +
      `${count('FAILED')} failed, ${count('excluded')} excluded, ${this.missing.length} missing`
    );
  }
}
