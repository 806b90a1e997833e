import type { Page } from 'playwright-core';
import type {} from '../../renderer/state/shell.ts'; // declares window.noiseloom

/** Runs a graph in the engine of a window, by a port of its own; `location` is where the graph is saved. */
export function runIn(page: Page, document: object, location?: string): Promise<unknown> {
  const asked = [document, { run: 'by-port', ...(location !== undefined && { location }) }];
  return page.evaluate(async (args) => {
    const port = await new Promise<MessagePort>((resolve) => {
      window.addEventListener('message', ({ data, ports: [port] }) => {
        if (data === 'noiseloom-engine' && port) resolve(port);
      });
      window.noiseloom?.connectEngine();
    });
    return new Promise<unknown>((resolve) => {
      // the page itself uses the port as well, with small numbers
      port.addEventListener('message', ({ data }) => data.id === 1e6 && data.outcome && resolve(data.outcome));
      port.start();
      port.postMessage({ id: 1e6, call: 'run', args });
    });
  }, asked);
}
