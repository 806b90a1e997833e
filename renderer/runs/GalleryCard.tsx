import { Star } from 'lucide-react';
import type { MouseEvent } from 'react';
import { RunImage } from '../controls/RunImage.tsx';
import { useSeen } from '../controls/useSeen.ts';
import { formatDate } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import type { GalleryImage } from './galleryImages.ts';

interface GalleryCardProps {
  readonly image: GalleryImage;
  readonly isChosen: boolean;
  readonly isStarred: boolean;
  onOpen(): void;
  onChoose(event: MouseEvent): void;
  onStar(): void;
}

/** An image of the gallery, read once it comes near the window. */
export function GalleryCard({ image, isChosen, isStarred, onOpen, onChoose, onStar }: GalleryCardProps) {
  const [ref, isSeen] = useSeen<HTMLLIElement>();
  return (
    <li ref={ref} className={isChosen ? 'chosen' : undefined}>
      <button type="button" title={image.caption} onClick={onOpen}>
        {isSeen ? (
          <RunImage image={image.thumbnail ? { folder: image.folder, name: image.thumbnail } : image} alt="" />
        ) : (
          <span className="loading" />
        )}
        <span className="caption">{image.caption}</span>
        <small className="faint caption">
          {image.title} · {image.isLive ? messages.run.running : formatDate(image.started)}
        </small>
      </button>
      <input
        type="checkbox"
        className="card-choice"
        checked={isChosen}
        aria-label={messages.gallery.choose(image.caption)}
        onChange={() => undefined}
        onClick={onChoose}
      />
      {!image.isLive && (
        <button
          type="button"
          className="icon-button card-star"
          aria-pressed={isStarred}
          aria-label={messages.gallery.starOf(image.caption)}
          onClick={onStar}
        >
          <Star size={16} aria-hidden fill={isStarred ? 'currentColor' : 'none'} />
        </button>
      )}
    </li>
  );
}
