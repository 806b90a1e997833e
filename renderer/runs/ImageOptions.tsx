import type { RunSummary } from '../../electron/host/ipc.ts';

/** The images of a run as options, by their places. */
export function ImageOptions({ images }: { images: RunSummary['outputs'] }) {
  return images.map(({ name }, i) => (
    <option key={name} value={i}>
      {name}
    </option>
  ));
}
