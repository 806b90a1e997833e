import type { GraphDocument, GraphNode } from '../../graphs/document/document.ts';
import { defineNode, libraryOf } from '../../nodes/defineNode.ts';
import { UserError } from '../../nodes/errors.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import { integer, text } from '../../nodes/params.ts';

/**
 * Nodes whose runs a test holds and lets go: `hold(name)` before the run, and the node "test/gate" with that name waits
 * until `open(name)`, or until the run is cancelled.
 */
export function gatedLibrary() {
  const gates = new Map<string, { arrived: Gate; opened: Gate }>();
  const gate = (name: string) => {
    const known = gates.get(name) ?? { arrived: newGate(), opened: newGate() };
    gates.set(name, known);
    return known;
  };
  const waiting = defineNode({
    type: 'test/gate',
    version: 1,
    title: 'Gate',
    summary: 'Waits for the test.',
    inputs: {},
    params: { name: text({ initial: 'a', help: 'Which gate.' }) },
    outputs: { text: 'text' },
    async run(_inputs, { name }, { signal, progress }) {
      const { arrived, opened } = gate(name);
      await progress(0.5, 'waiting', async () => ({ width: 2, height: 1, rgb: previewBytes }));
      arrived.open();
      await Promise.race([
        opened.promise,
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      ]);
      await progress(1);
      return { text: name };
    },
  });
  const image = defineNode({
    type: 'test/image',
    version: 1,
    title: 'Image',
    summary: 'Saves an image.',
    inputs: {},
    params: { shade: integer({ initial: 7, min: 0, max: 255, help: 'Its grey.' }) },
    outputs: {},
    run(_inputs, { shade }, { save }) {
      save({ name: 'image.png', mime: 'image/png', bytes: pngOf(shade), label: { seed: 3 } });
    },
  });
  const failing = defineNode({
    type: 'test/failing',
    version: 1,
    title: 'Failing',
    summary: 'Fails.',
    inputs: {},
    params: {},
    outputs: {},
    run() {
      throw new UserError('TOO_BLUE', 'The sea is too blue.', { at: { param: 'sea' } });
    },
  });
  return {
    library: libraryOf([waiting, image, failing]),
    /** Settles when the node with that gate runs. */
    arrival: (name: string) => gate(name).arrived.promise,
    open: (name: string) => gate(name).opened.open(),
  };
}

// A view into a larger buffer, as nodes may give: what crosses must be the view alone.
export const previewBytes = new Uint8Array([0, 0, 1, 2, 3, 4, 5, 6, 0]).subarray(2, 8);

export function pngOf(shade: number): Uint8Array {
  return encodePng({ width: 1, height: 1, rgb: new Uint8Array([shade, shade, shade]) });
}

export function graphOf(title: string, nodes: Readonly<Record<string, Partial<GraphNode>>>): GraphDocument {
  const whole = Object.entries(nodes).map(([id, node]) => [
    id,
    { type: 'test/gate', version: 1, params: {}, inputs: {}, position: [0, 0], ...node },
  ]);
  return { format: 'noiseloom-graph', version: 2, title, nodes: Object.fromEntries(whole) };
}

interface Gate {
  readonly promise: Promise<void>;
  open(): void;
}

function newGate(): Gate {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
