import type { ViewedImage } from '../state/viewedImages.ts';

/** The images of a run as options, by their places. */
export function ImageOptions({ images }: { images: readonly ViewedImage[] }) {
  return images.map(({ key, caption }, i) => (
    <option key={key} value={i}>
      {caption}
    </option>
  ));
}
