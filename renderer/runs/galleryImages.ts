import type { RunSummary } from '../../electron/host/ipc.ts';
import { formatDay } from '../state/format.ts';
import { isImage, type Run } from '../state/run.ts';
import { captionImage, type ViewedImage } from '../state/viewedImages.ts';
import { listImages, onlyNew } from './listImages.ts';

/** An image of a run with all that it can be found by. */
export interface GalleryImage extends ViewedImage {
  readonly folder: string;
  readonly title: string;
  /** ISO 8601: when its run started. */
  readonly started: string;
  readonly models: readonly string[];
  readonly scores: Readonly<Record<string, number>>;
  /** A smaller file of the run that shows the same. */
  readonly thumbnail?: string;
  /** Whether its run goes on. */
  readonly isLive?: boolean;
}

/** The images of all runs, newest run first. */
export function listGallery(runs: readonly RunSummary[]): GalleryImage[] {
  return runs.flatMap((run) => {
    const { folder, title, started, models } = run;
    const scores = scoresById(run);
    const copies = new Map(run.copies.flatMap(({ name, label }) => (label?.id ? [[label.id, name] as const] : [])));
    return listImages(run).map((image) => ({
      ...image,
      ...thumbnailOf(copies.get(image.label?.id ?? '')),
      key: `${folder}/${image.name}`,
      folder,
      title,
      started,
      models,
      scores: scores.get(image.label?.id ?? '') ?? {},
    }));
  });
}

function thumbnailOf(thumbnail: string | undefined) {
  return thumbnail === undefined ? {} : { thumbnail };
}

/** What runs that go on gave so far, the newest run first, each image once. */
export function listLive(runs: readonly Run[]): GalleryImage[] {
  return runs.toReversed().flatMap(({ id: run, title, folder = '', nodes }) => {
    const files = Object.values(nodes).flatMap(({ files = [], copies = [] }) => [...files.filter(isImage), ...copies]);
    return onlyNew(files, new Set()).map(({ name, bytes, label }) => ({
      key: `${run} ${name}`,
      name,
      folder,
      bytes,
      caption: captionImage(label, name),
      ...(label ? { label } : {}),
      title,
      started: '',
      models: [],
      scores: {},
      isLive: true,
    }));
  });
}

function scoresById({ scores }: RunSummary): ReadonlyMap<string, Record<string, number>> {
  const found = new Map<string, Record<string, number>>();
  for (const { names, values, labels } of scores)
    for (const [row, label] of labels.entries()) {
      if (label.id === undefined) continue;
      const own = names.map((name, column) => [name, values[row]?.[column] ?? Number.NaN] as const);
      found.set(label.id, { ...found.get(label.id), ...Object.fromEntries(own) });
    }
  return found;
}

const compare: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '>': (value, bound) => value > bound,
  '<': (value, bound) => value < bound,
  '>=': (value, bound) => value >= bound,
  '<=': (value, bound) => value <= bound,
};

/**
 * The images that fit all words of a search: each is part of the prompt, the graph's title, a model, the date, the seed or
 * the file's name, or bounds a score, as `clip>0.3` does.
 */
export function searchGallery<Image extends GalleryImage>(images: readonly Image[], query: string): Image[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return images.filter((image) => words.every((word) => fits(image, word)));
}

function fits(image: GalleryImage, word: string): boolean {
  const [, name, sign, bound] = /^([^<>]+)(>=|<=|>|<)(-?\d+(?:\.\d+)?)$/.exec(word) ?? [];
  if (name !== undefined && sign !== undefined)
    return Object.entries(image.scores).some(
      ([score, value]) =>
        score.toLowerCase().replaceAll(' ', '').includes(name) && compare[sign]!(value, Number(bound)),
    );
  const { prompt, seed } = image.label ?? {};
  const date = new Date(image.started);
  const texts = [
    prompt ?? '',
    image.title,
    ...image.models,
    formatDay(date),
    localDay(date),
    seed === undefined ? '' : `seed ${seed} seed:${seed}`,
    image.name,
  ];
  return texts.some((text) => text.toLowerCase().includes(word));
}

/** `2026-01-31` where the window is. */
function localDay(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return Number.isNaN(local.getTime()) ? '' : local.toISOString().slice(0, 10);
}

export type GalleryOrder = 'newest' | 'oldest' | { readonly score: string };

/** Newest first as given; by a score the highest first, those without it last. */
export function orderGallery<Image extends GalleryImage>(
  images: readonly Image[],
  order: GalleryOrder,
): readonly Image[] {
  if (order === 'newest') return images;
  if (order === 'oldest')
    return images.toSorted((a, b) => (a.started < b.started ? -1 : a.started > b.started ? 1 : 0));
  const value = ({ scores }: Image) => scores[order.score] ?? Number.NEGATIVE_INFINITY;
  return images.toSorted((a, b) => value(b) - value(a));
}
