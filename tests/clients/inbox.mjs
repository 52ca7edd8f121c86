// What a client receives.

import { within } from './deadline.mjs';

/** Every event of the notification hub, by the name of its handler on the client. */
export const EVENTS = [
  'OrderStatusChanged',
  'NewOrder',
  'SessionExpired',
  'TableStatusChanged',
  'OrderStatusUpdate',
  'SessionExpiring',
  'CartUpdated',
  'SystemAlert',
];

/** What one client has received, in order: `{ event, notification }`. */
export class Inbox {
  #waiting = [];

  received = [];

  constructor(connection) {
    for (const event of EVENTS) {
      connection.on(event, (notification) => this.#take({ event, notification }));
    }
  }

  /** The first item that matches, whether it is there already or still to come. */
  async first(matches, what = 'a matching event') {
    const there = this.received.find(matches);
    if (there) {
      return there;
    }
    const coming = new Promise((resolve) => this.#waiting.push({ matches, resolve }));
    return within(coming, `waiting for ${what}; received ${JSON.stringify(this.received)}`);
  }

  /** The item with this notification id. */
  async byId(id) {
    return this.first(({ notification }) => notification.id === id, `notification ${id}`);
  }

  /** How often this notification came. */
  count(id) {
    return this.received.filter(({ notification }) => notification.id === id).length;
  }

  /** The ids of everything received, in order. */
  get ids() {
    return this.received.map(({ notification }) => notification.id);
  }

  #take(item) {
    this.received.push(item);
    this.#waiting = this.#waiting.filter(({ matches, resolve }) => {
      const found = matches(item);
      if (found) {
        resolve(item);
      }
      return !found;
    });
  }
}

/** The notification that `connection` receives next under this name. */
export function nextEvent(connection, name) {
  const coming = new Promise((resolve) => {
    const handler = (notification) => {
      connection.off(name, handler);
      resolve(notification);
    };
    connection.on(name, handler);
  });
  return within(coming, `waiting for ${name}`);
}
