import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepInside, type Zoom, zoomAt, zoomToFit } from '../../../renderer/controls/zoom.ts';
import type { Point } from '../../../renderer/state/view.ts';

const place = { width: 800, height: 600 };
const anyLength = fc.integer({ min: 1, max: 4096 });
const anySize = fc.record({ width: anyLength, height: anyLength });
const anyAt = fc.double({ min: -1000, max: 1000, noNaN: true });
const anyPoint = fc.record({ x: anyAt, y: anyAt });
const anyZoom = fc.record({ scale: fc.double({ min: 0.05, max: 32, noNaN: true }), x: anyAt, y: anyAt });
const anyFactor = fc.double({ min: 0.1, max: 10, noNaN: true });

/** Which point of the image, from its middle and in its pixels, is seen there. */
const seenAt = ({ scale, x, y }: Zoom, point: Point) => [(point.x - x) / scale, (point.y - y) / scale] as const;

describe('zoomToFit', () => {
  it('shows all of an image, touching two sides, in the middle', () => {
    expect(zoomToFit({ width: 64, height: 64 }, place)).toEqual({ scale: 600 / 64, x: 0, y: 0 });
    expect(zoomToFit({ width: 1600, height: 100 }, place)).toEqual({ scale: 0.5, x: 0, y: 0 });
  });
});

describe('zoomAt', () => {
  it('keeps what is under the pointer, also at a limit', () => {
    fc.assert(
      fc.property(anyZoom, anyPoint, anyFactor, (zoom, point, factor) => {
        const zoomed = zoomAt(zoom, point, factor, [0.05, 32]);
        expect(zoomed.scale).toBeCloseTo(Math.min(Math.max(zoom.scale * factor, 0.05), 32), 9);
        const [before, after] = [seenAt(zoom, point), seenAt(zoomed, point)];
        expect(after[0]).toBeCloseTo(before[0], 6);
        expect(after[1]).toBeCloseTo(before[1], 6);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('is undone by the factor turned over', () => {
    const zoom = { scale: 1.5, x: 20, y: -30 };
    const back = zoomAt(zoomAt(zoom, { x: 100, y: 50 }, 1.25, [0.1, 32]), { x: 100, y: 50 }, 0.8, [0.1, 32]);
    expect(back.scale).toBeCloseTo(1.5, 9);
    expect(back.x).toBeCloseTo(20, 9);
    expect(back.y).toBeCloseTo(-30, 9);
  });
});

describe('keepInside', () => {
  it('leaves no side empty that the image can fill, and puts a smaller one in the middle', () => {
    fc.assert(
      fc.property(anyZoom, anySize, (zoom, image) => {
        const kept = keepInside(zoom, image, place);
        expect(kept.scale).toBe(zoom.scale);
        for (const [at, length, room] of [
          [kept.x, image.width * zoom.scale, place.width],
          [kept.y, image.height * zoom.scale, place.height],
        ] as const) {
          if (length <= room) expect(Math.abs(at)).toBe(0);
          else expect((length - room) / 2 - Math.abs(at)).toBeGreaterThanOrEqual(-1e-9);
        }
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('moves nothing that is inside', () => {
    fc.assert(
      fc.property(anyZoom, anySize, (zoom, image) => {
        const kept = keepInside(zoom, image, place);
        expect(keepInside(kept, image, place)).toEqual(kept);
      }),
      { seed: 3 },
    );
    const inside = { scale: 4, x: 200, y: -300 };
    expect(keepInside(inside, { width: 512, height: 512 }, place)).toEqual(inside);
  });
});
