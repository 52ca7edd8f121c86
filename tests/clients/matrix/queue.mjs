// What came in, one after the other.

import { within } from '../deadline.mjs';

/** What was put in, whether it is there already or still to come. */
export function queue() {
  const items = [];
  const waiting = [];
  return {
    put(item) {
      const next = waiting.shift();
      if (next) {
        next(item);
      } else {
        items.push(item);
      }
    },
    next() {
      if (items.length > 0) {
        return Promise.resolve(items.shift());
      }
      return within(new Promise((resolve) => waiting.push(resolve)), 'the next item');
    },
  };
}
