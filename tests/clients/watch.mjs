// Prints every notification that a token's owner receives, with Microsoft's own client.
//
//     node watch.mjs http://127.0.0.1:5080 <token>

import * as signalR from '@microsoft/signalr';

import { EVENTS } from './inbox.mjs';

const [url, token] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node watch.mjs <url of mesahub> <token>');
  process.exit(2);
}

const connection = new signalR.HubConnectionBuilder()
  .withUrl(`${url}/hubs/notifications`, {
    // Asked again on every reconnect: a real application fetches a fresh token here.
    accessTokenFactory: () => token,
  })
  .withAutomaticReconnect()
  .configureLogging(signalR.LogLevel.Warning)
  .build();

for (const event of EVENTS) {
  connection.on(event, (notification) => {
    console.log(event, JSON.stringify(notification, null, 2));
  });
}
connection.onreconnecting(() => console.log('connection lost, coming back'));
connection.onreconnected(() => console.log('connected again'));
connection.onclose((error) => console.log('closed', error?.message ?? ''));

await connection.start();
console.log(`connected as ${connection.connectionId}; Ctrl-C ends it`);
