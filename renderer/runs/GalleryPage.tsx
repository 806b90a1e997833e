import { ArrowLeft, GitCompare, ImageDown, SlidersHorizontal, Star, Trash2 } from 'lucide-react';
import { type MouseEvent, useMemo, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { BarChoice } from '../controls/BarChoice.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor, useRuns } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { isOver } from '../state/run.ts';
import { ComparePair } from './ComparePair.tsx';
import { GalleryCard } from './GalleryCard.tsx';
import { loadInGraph, removeImages, takeParamsOf } from './galleryActions.ts';
import {
  type GalleryImage,
  type GalleryOrder,
  listGallery,
  listLive,
  orderGallery,
  searchGallery,
} from './galleryImages.ts';
import { useStars } from './useStars.ts';

/** How many images are drawn at first, and with each press of the button below. */
const PAGE = 200;

/** The images of all runs, also of those that go on: searched, sorted, starred, chosen, compared, used again, deleted. */
export function GalleryPage({ runs, onChange }: { runs: readonly RunSummary[]; onChange(): void }) {
  const editor = useEditor();
  const live = useRuns(useShallow((state) => state.runs.filter((run) => !isOver(run))));
  const stars = useStars();
  const [query, setQuery] = useState('');
  const [order, setOrder] = useState<GalleryOrder>('newest');
  const [onlyStars, setOnlyStars] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [last, setLast] = useState<string>();
  const [pages, setPages] = useState(1);
  const [compared, setCompared] = useState<readonly [GalleryImage, GalleryImage]>();
  const recorded = useMemo(() => listGallery(runs), [runs]);
  const all = useMemo(() => [...listLive(live), ...recorded], [live, recorded]);
  const found = useMemo(
    () => orderGallery(searchGallery(onlyStars ? all.filter(stars.has) : all, query), order),
    [all, onlyStars, stars.has, query, order],
  );
  const scores = useMemo(() => [...new Set(all.flatMap((image) => Object.keys(image.scores)))].sort(), [all]);
  const picked = found.filter(({ key }) => chosen.has(key));
  const choose = (image: GalleryImage, { shiftKey }: Pick<MouseEvent, 'shiftKey'>) => {
    const [from, to] = [found.findIndex(({ key }) => key === last), found.indexOf(image)];
    const range = shiftKey && from >= 0 ? found.slice(Math.min(from, to), Math.max(from, to) + 1) : [image];
    const isOn = !chosen.has(image.key);
    const next = new Set(chosen);
    for (const { key } of range)
      if (isOn) next.add(key);
      else next.delete(key);
    setChosen(next);
    setLast(image.key);
  };
  const open = (shown: number) =>
    editor.view.setState({ overlay: { kind: 'viewer', title: messages.results.gallery, images: found, shown } });
  if (compared) {
    return (
      <section className="gallery-page" aria-label={messages.gallery.compare}>
        <div className="viewer-bar">
          <button type="button" className="button" onClick={() => setCompared(undefined)}>
            <ArrowLeft size={14} aria-hidden /> {messages.gallery.back}
          </button>
        </div>
        <ComparePair before={compared[0]} after={compared[1]} />
      </section>
    );
  }
  return (
    <section className="gallery-page" aria-label={messages.gallery.all}>
      <div className="viewer-bar">
        <input
          className="field gallery-search"
          type="search"
          value={query}
          placeholder={messages.gallery.search}
          aria-label={messages.gallery.search}
          title={messages.gallery.searchHelp}
          onChange={({ target }) => setQuery(target.value)}
        />
        <BarChoice
          label={messages.gallery.order}
          value={typeof order === 'string' ? order : `score ${order.score}`}
          onChange={(value) => setOrder(value === 'newest' || value === 'oldest' ? value : { score: value.slice(6) })}
        >
          <option value="newest">{messages.gallery.newest}</option>
          <option value="oldest">{messages.gallery.oldest}</option>
          {scores.map((score) => (
            <option key={score} value={`score ${score}`}>
              {messages.gallery.best(score)}
            </option>
          ))}
        </BarChoice>
        <button type="button" className="button" aria-pressed={onlyStars} onClick={() => setOnlyStars(!onlyStars)}>
          <Star size={14} aria-hidden fill={onlyStars ? 'currentColor' : 'none'} /> {messages.gallery.starred}
        </button>
        <span className="faint" role="status">
          {picked.length > 0 ? messages.results.selected(picked.length) : messages.gallery.count(found.length)}
        </span>
      </div>
      {picked.length > 0 && (
        <Actions
          picked={picked}
          areStarred={picked.every(stars.has)}
          onStar={() => void attempt(editor, () => stars.mark(picked, !picked.every(stars.has)))}
          onCompare={setCompared}
          onRemove={() =>
            void attempt(editor, async () => {
              await removeImages(editor, picked, onChange);
              setChosen(new Set());
            })
          }
          onClear={() => setChosen(new Set())}
        />
      )}
      {found.length === 0 && (
        <p className="empty">{all.length > 0 ? messages.gallery.nothing : messages.gallery.soon}</p>
      )}
      <ul className="image-grid gallery-grid">
        {found.slice(0, pages * PAGE).map((image, i) => (
          <GalleryCard
            key={image.key}
            image={image}
            isChosen={chosen.has(image.key)}
            isStarred={stars.has(image)}
            onOpen={() => open(i)}
            onChoose={(event) => choose(image, event)}
            onStar={() => void attempt(editor, () => stars.mark([image], !stars.has(image)))}
          />
        ))}
      </ul>
      {found.length > pages * PAGE && (
        <button type="button" className="button" onClick={() => setPages(pages + 1)}>
          {messages.gallery.more(found.length - pages * PAGE)}
        </button>
      )}
    </section>
  );
}

interface ActionsProps {
  readonly picked: readonly GalleryImage[];
  readonly areStarred: boolean;
  onStar(): void;
  onCompare(pair: readonly [GalleryImage, GalleryImage]): void;
  onRemove(): void;
  onClear(): void;
}

/** What can be done with the chosen images. */
function Actions({ picked, areStarred, onStar, onCompare, onRemove, onClear }: ActionsProps) {
  const editor = useEditor();
  const [first, second] = picked;
  const recorded = picked.every(({ isLive }) => !isLive);
  return (
    <div className="viewer-bar gallery-actions" role="toolbar" aria-label={messages.gallery.chosen}>
      <button type="button" className="button" disabled={!recorded} onClick={onStar}>
        <Star size={14} aria-hidden fill={areStarred ? 'currentColor' : 'none'} />{' '}
        {areStarred ? messages.gallery.unstar : messages.gallery.star}
      </button>
      <button
        type="button"
        className="button"
        disabled={picked.length !== 1 || !recorded}
        title={messages.gallery.useParamsHelp}
        onClick={() => first && void attempt(editor, () => takeParamsOf(editor, first))}
      >
        <SlidersHorizontal size={14} aria-hidden /> {messages.gallery.useParams}
      </button>
      <button
        type="button"
        className="button"
        disabled={!recorded}
        onClick={() => void attempt(editor, () => loadInGraph(editor, picked))}
      >
        <ImageDown size={14} aria-hidden /> {messages.gallery.load}
      </button>
      <button
        type="button"
        className="button"
        disabled={picked.length !== 2 || !recorded}
        title={messages.gallery.compareHelp}
        onClick={() => first && second && onCompare([first, second])}
      >
        <GitCompare size={14} aria-hidden /> {messages.gallery.compare}
      </button>
      <button type="button" className="button" disabled={!recorded} onClick={onRemove}>
        <Trash2 size={14} aria-hidden /> {messages.commands.remove}
      </button>
      <button type="button" className="text-button" onClick={onClear}>
        {messages.gallery.clear}
      </button>
    </div>
  );
}
