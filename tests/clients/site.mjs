// The pages that a browser opens: an origin of their own, and not the server's.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>The matrix</title>
<script src="/signalr.js"></script>
<script src="/signalr-protocol-msgpack.js"></script>
<script type="module" src="/matrix/page.mjs"></script>
`;

/** The official client as its packages bring it for browsers. */
const BUNDLES = {
  '/signalr.js': '@microsoft/signalr/dist/browser/signalr.js',
  '/signalr-protocol-msgpack.js':
    '@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js',
};

/** Serves the page, the bundles and the modules beside this one, on a free port. */
export class Site {
  #server;

  static async open() {
    const site = new Site();
    site.#server = createServer((incoming, outgoing) => answer(incoming.url, outgoing));
    await new Promise((resolve) => site.#server.listen(0, '127.0.0.1', resolve));
    site.port = site.#server.address().port;
    return site;
  }

  /** The origin of its pages: `http://127.0.0.1:port`. */
  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The same pages, which to a browser are those of somebody else. */
  get otherOrigin() {
    return `http://localhost:${this.port}`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(path, outgoing) {
  try {
    if (path === '/') {
      outgoing.setHeader('Content-Type', 'text/html; charset=utf-8').end(PAGE);
      return;
    }
    const file = BUNDLES[path] ? `node_modules/${BUNDLES[path]}` : moduleAt(path);
    const text = await readFile(fileURLToPath(new URL(file, import.meta.url)));
    outgoing.setHeader('Content-Type', 'text/javascript; charset=utf-8').end(text);
  } catch {
    outgoing.writeHead(404).end();
  }
}

/** Only modules, and none outside this folder. */
function moduleAt(path) {
  if (!/^(\/[a-z_]+)+\.mjs$/.test(path)) {
    throw new Error(`${path} is no module`);
  }
  return `.${path}`;
}
