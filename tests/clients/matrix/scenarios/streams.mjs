// Streams of the server, streams of the client, and both at once.

import { rejection, within } from '../../deadline.mjs';
import { same } from '../expect.mjs';
import { queue } from '../queue.mjs';
import { invoke } from '../stage.mjs';
import { collected, source } from '../stream.mjs';

const streaming = 'An error occurred on the server while streaming results.';

/** Opens the endless stream and gives its subscription once `count` items are there. */
function listen(connection, count) {
  const enough = new Promise((resolve, reject) => {
    let seen = 0;
    const subscription = connection.stream('CountForever').subscribe({
      next: () => {
        seen += 1;
        if (seen === count) {
          resolve(subscription);
        }
      },
      complete: () => reject(new Error('it ended by itself')),
      error: reject,
    });
  });
  return within(enough, `${count} items`);
}

export const streams = [
  {
    feature: 'stream',
    name: 'items come in order and then the end',
    async run(stage) {
      const connection = await stage.connect();
      for (const count of [3, 0, 5000]) {
        const items = await collected(connection.stream('Count', count));
        same(
          items,
          Array.from({ length: count }, (_, index) => index),
        );
      }
    },
  },
  {
    feature: 'stream',
    name: 'several at once and calls between them',
    async run(stage) {
      const connection = await stage.connect();
      const streams = [100, 200, 300].map((count) => collected(connection.stream('Count', count)));
      same(await invoke(connection, 'Add', 1, 2), 3);
      const lengths = (await Promise.all(streams)).map((items) => items.length);
      same(lengths, [100, 200, 300]);
    },
  },
  {
    feature: 'stream',
    name: 'one that fails has given its items before',
    async run(stage) {
      const connection = await stage.connect();
      for (const [method, text] of [
        ['CountAndFail', `${streaming} HubException: The kitchen is closed.`],
        ['CountAndCrash', streaming],
      ]) {
        const items = [];
        const error = await rejection(collected(connection.stream(method, 2), items));
        same(error.message, text);
        same(items, [0, 1]);
      }
      const error = await rejection(collected(connection.stream('Add', 1, 2)));
      same(
        error.message,
        "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
      );
    },
  },
  {
    feature: 'stream',
    name: 'one ends with its connection',
    async run(stage) {
      const connection = await stage.connect();
      const ended = listen(connection, 1);
      await ended;
      await within(connection.stop(), 'stopping');
      const other = await stage.connect();
      same(await invoke(other, 'NobodyCounts'), true);
    },
  },
  {
    feature: 'cancel',
    name: 'a stream that is cancelled is dropped by the server',
    async run(stage) {
      const connection = await stage.connect();
      const subscription = await listen(connection, 5);
      subscription.dispose();
      same(await invoke(connection, 'NobodyCounts'), true);
    },
  },
  {
    feature: 'upload',
    name: 'a client uploads a stream, or two',
    async run(stage) {
      const connection = await stage.connect();
      same(await invoke(connection, 'Sum', source([1, 2, 3])), 6);
      same(await invoke(connection, 'Sum', source([])), 0);
      const many = Array.from({ length: 500 }, (_, index) => index);
      same(await invoke(connection, 'Sum', source(many)), 124_750);
      // The official client overlooks a stream that directly follows another.
      const both = [source([1, 2]), 1000, source([10, 20, 30])];
      same(await invoke(connection, 'SumBoth', ...both), [1003, 1060]);
    },
  },
  {
    feature: 'upload',
    name: 'one that is fed while it is answered',
    async run(stage) {
      const connection = await stage.connect();
      const subject = new stage.signalR.Subject();
      const scaled = queue();
      const ended = new Promise((resolve, reject) => {
        connection
          .stream('Scale', subject, 3)
          .subscribe({ next: (item) => scaled.put(item), complete: resolve, error: reject });
      });
      for (let number = 0; number < 20; number += 1) {
        subject.next(number);
        same(await scaled.next(), number * 3);
      }
      subject.complete();
      await within(ended, 'the end');
    },
  },
  {
    feature: 'upload',
    name: 'one that fails or does not fit is seen by the handler',
    async run(stage) {
      const connection = await stage.connect();
      const subject = new stage.signalR.Subject();
      const failing = rejection(connection.invoke('Sum', subject));
      subject.next(1);
      subject.error(new Error('the oven is cold'));
      const said = "An unexpected error occurred invoking 'Sum' on the server. HubException: ";
      same((await failing).message, `${said}the oven is cold`);
      const error = await rejection(connection.invoke('Sum', source([1, 'two'])));
      same(error.message, `${said}Failed to bind Stream message.`);
      same(await invoke(connection, 'Add', 1, 2), 3);
    },
  },
];
