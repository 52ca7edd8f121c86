// The matrix with the official client in Node.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { rejection } from './deadline.mjs';
import { Driver } from './matrix/driver.mjs';
import { runMatrix } from './matrix/runner.mjs';
import { Stage } from './matrix/stage.mjs';
import { COLUMNS } from './matrix/table.mjs';

function stageOf(column, driver, write) {
  return new Stage({
    client: { signalR, MessagePackHubProtocol },
    column,
    url: driver.url,
    driver: (...command) => driver.command(...command),
    write,
  });
}

runMatrix('Node', async () => {
  const driver = await Driver.start();
  return {
    driver,
    stop: () => driver.stop(),
    async run(cell, write) {
      const stage = stageOf(cell.column, driver, write);
      try {
        await cell.run(stage);
      } finally {
        await stage.close();
      }
    },
  };
});

test('the client itself refuses the column that is excluded as a whole', async () => {
  const driver = await Driver.start();
  try {
    const name = 'MessagePack over ServerSentEvents';
    const stage = stageOf(COLUMNS.find((column) => column.name === name), driver, () => {});
    const { message } = await rejection(stage.client().start());
    assert.match(message, /ServerSentEvents.* does not support Binary/);
  } finally {
    await driver.stop();
  }
});
