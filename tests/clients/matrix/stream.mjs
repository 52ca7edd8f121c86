// The two ends of a stream.

import { within } from '../deadline.mjs';

/** Everything that a stream gives, once it has ended; `items` is filled on the way. */
export function collected(stream, items = []) {
  const ended = new Promise((resolve, reject) => {
    stream.subscribe({
      next: (item) => items.push(item),
      complete: () => resolve(items),
      error: reject,
    });
  });
  return within(ended, 'the end of a stream');
}

/** A stream that gives these items as soon as it is uploaded. */
export function source(items) {
  return {
    subscribe(subscriber) {
      items.forEach((item) => subscriber.next(item));
      subscriber.complete();
      return { dispose() {} };
    },
  };
}
