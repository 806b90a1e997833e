import type { Point } from '../state/view.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How an image is placed: window pixels per image pixel, and the offset of its centre from that of its place. */
export interface Zoom extends Point {
  readonly scale: number;
}

/** The zoom at which the whole image just fits its place. */
export function zoomToFit(image: Size, place: Size): Zoom {
  return { scale: Math.min(place.width / image.width, place.height / image.height), x: 0, y: 0 };
}

/** Multiplies the scale, within its limits, keeping what lies at `point` (from the centre of the place) fixed. */
export function zoomAt(zoom: Zoom, point: Point, factor: number, [least, most]: readonly [number, number]): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, least), most);
  const ratio = scale / zoom.scale;
  return { scale, x: point.x + (zoom.x - point.x) * ratio, y: point.y + (zoom.y - point.y) * ratio };
}

/** Moves an image so that it leaves no avoidable gap in its place; an image smaller than its place is centred. */
export function keepInside(zoom: Zoom, image: Size, place: Size): Zoom {
  const keep = (at: number, length: number, room: number) => {
    const most = Math.max((length * zoom.scale - room) / 2, 0);
    return Math.min(Math.max(at, -most), most);
  };
  return {
    scale: zoom.scale,
    x: keep(zoom.x, image.width, place.width),
    y: keep(zoom.y, image.height, place.height),
  };
}

export interface Rectangle extends Size {
  readonly left: number;
  readonly top: number;
}

/** Where an image lies in its place, on whole pixels of the screen, each `pixel` large: 1:1 is exact. */
export function placeImage({ scale, x, y }: Zoom, image: Size, place: Size, pixel: number): Rectangle {
  const along = (middle: number, length: number) => {
    const start = Math.round((middle - (length * scale) / 2) / pixel) * pixel;
    return [start, Math.round((length * scale) / pixel) * pixel] as const;
  };
  const [left, width] = along(place.width / 2 + x, image.width);
  const [top, height] = along(place.height / 2 + y, image.height);
  return { left, top, width, height };
}
