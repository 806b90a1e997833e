import type { RunSummary } from '../../electron/host/ipc.ts';
import { captionImage } from './listImages.ts';
import { RunImage } from './RunImage.tsx';

interface ImageGridProps {
  readonly folder: string;
  readonly images: RunSummary['outputs'];
  /** The image that gets the focus: where the user was before. */
  readonly last: number | undefined;
  onShow(place: number): void;
}

/** All images of a run. */
export function ImageGrid({ folder, images, last, onShow }: ImageGridProps) {
  return (
    <ul className="image-grid">
      {images.map((image, i) => (
        <li key={image.name}>
          <button
            type="button"
            // biome-ignore lint/a11y/noAutofocus: where the user was before
            autoFocus={i === last}
            onClick={() => onShow(i)}
          >
            <RunImage folder={folder} name={image.name} alt="" />
            <span className="caption">{captionImage(image)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
