// A server program of the test's own.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { within } from './deadline.mjs';

/** A running program that has said where it listens. */
export class Program {
  #name;
  #child;
  #exit;
  #log = '';

  /** `http://127.0.0.1:port`. */
  url;

  /** Starts the binary that this environment variable names and waits until it listens. */
  static async start(variable, args = [], env = {}) {
    const binary = process.env[variable];
    if (!binary) {
      throw new Error(`${variable} must name the program to test; \`cargo xtask test\` sets it`);
    }
    const program = new Program(
      binary,
      spawn(binary, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    await program.#listening();
    return program;
  }

  constructor(name, child) {
    this.#name = name;
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#log += text));
    this.#exit = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // A binary that cannot be started is reported by whoever waits for it next.
    this.#exit.catch(() => {});
  }

  async #listening() {
    const line = new Promise((resolve) => {
      createInterface({ input: this.#child.stdout }).on('line', (text) => {
        const found = /^listening on (http:\/\/\S+)$/.exec(text);
        if (found) {
          resolve(found[1]);
        }
      });
    });
    const early = this.#exit.then(({ code, signal }) => {
      throw new Error(`${this.#name} ended at once (${signal ?? code}):\n${this.#log}`);
    });
    try {
      this.url = await within(Promise.race([line, early]), `waiting for ${this.#name} to listen`);
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
  }

  /** What it has written to standard error so far. */
  get log() {
    return this.#log;
  }

  /** Asks it to end and gives how it did. */
  async terminate() {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  /** How it ended, once it has. */
  async ended() {
    return within(this.#exit, `waiting for ${this.#name} to end`);
  }

  /** Ends it, whatever state it is in. */
  async stop() {
    try {
      await this.terminate();
    } finally {
      this.#child.kill('SIGKILL');
    }
  }
}
