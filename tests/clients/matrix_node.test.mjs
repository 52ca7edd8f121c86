// The matrix with the official client in Node.

import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { Driver } from './matrix/driver.mjs';
import { runMatrix } from './matrix/runner.mjs';
import { Stage } from './matrix/stage.mjs';

runMatrix('Node', async () => {
  const driver = await Driver.start();
  return {
    driver,
    stop: () => driver.stop(),
    async run(cell, write) {
      const stage = new Stage({
        client: { signalR, MessagePackHubProtocol },
        column: cell.column,
        url: driver.url,
        driver: (...command) => driver.command(...command),
        write,
      });
      try {
        await cell.run(stage);
      } finally {
        await stage.close();
      }
    },
  };
});
