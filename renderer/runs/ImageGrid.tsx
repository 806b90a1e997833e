import { RunImage } from '../controls/RunImage.tsx';
import type { ViewedImage } from '../state/viewedImages.ts';

interface ImageGridProps {
  readonly images: readonly ViewedImage[];
  /** The image that gets the focus: where the user was before. */
  readonly last: number | undefined;
  onShow(place: number): void;
}

/** All images of a run. */
export function ImageGrid({ images, last, onShow }: ImageGridProps) {
  return (
    <ul className="image-grid">
      {images.map((image, i) => (
        <li key={image.key}>
          <button
            type="button"
            // biome-ignore lint/a11y/noAutofocus: where the user was before
            autoFocus={i === last}
            onClick={() => onShow(i)}
          >
            <RunImage image={image} alt="" />
            <span className="caption">{image.caption}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
