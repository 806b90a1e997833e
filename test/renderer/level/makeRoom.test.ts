import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Box, covers, makeRoom } from '../../../renderer/level/makeRoom.ts';

const box = (left: number, top: number, width = 200, height = 100): Box => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});
const placesIn = (placed: Box, others: Record<string, Box>) =>
  Object.fromEntries(makeRoom(placed, new Map(Object.entries(others))));

describe('makeRoom', () => {
  it('moves what is covered the short way out, and what that comes to cover with it', () => {
    const others = { right: box(180, 0), next: box(400, 10), far: box(2000, 0), left: box(-190, 0) };
    const moved = placesIn(box(0, 0), others);
    expect(moved.right).toEqual([232, 0]);
    expect(moved.next).toEqual([464, 10]);
    expect(moved.left).toEqual([-232, 0]);
    expect(moved.far).toBeUndefined();
  });

  it('moves up or down where that is shorter', () => {
    expect(placesIn(box(0, 0), { below: box(10, 90) })).toEqual({ below: [10, 136] });
    expect(placesIn(box(0, 0), { above: box(10, -90) })).toEqual({ above: [10, -136] });
  });

  it('leaves all where there is room', () => {
    expect(placesIn(box(0, 0), { a: box(208, 0), b: box(0, 108) })).toEqual({});
  });

  it('never leaves what was covered where it is', () => {
    const some = fc.array(fc.tuple(fc.integer({ min: -600, max: 600 }), fc.integer({ min: -400, max: 400 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, (places) => {
        const others = new Map(places.map(([x, y], i) => [String(i), box(x, y)]));
        const placed = box(0, 0);
        const moved = makeRoom(placed, others);
        for (const [id, each] of others) {
          const at = moved.get(id);
          expect(covers(placed, at ? box(...at) : each), id).toBe(false);
        }
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
