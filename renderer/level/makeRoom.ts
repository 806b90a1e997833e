import { GRID, snap } from './grid.ts';

/** A rectangle in pixels of the canvas. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pixels that stay free between a node and those that it pushed aside. */
const GAP = GRID * 4;

/**
 * Where the others go to make room for one that was put among them: each that it covers moves by the shortest way along the
 * direction in which it lies, and pushes on what it comes to cover in the same direction. Gives left and top of those that move.
 */
export function makeRoom(placed: Box, others: ReadonlyMap<string, Box>): Map<string, readonly [x: number, y: number]> {
  const boxes = new Map(others);
  const moved = new Map<string, readonly [number, number]>();
  for (const [id, box] of others) {
    if (!covers(placed, box)) continue;
    const direction = directionFrom(placed, box);
    const waiting: { readonly id: string; readonly by: Box }[] = [{ id, by: placed }];
    for (const { id: next, by } of waiting) {
      const at = boxes.get(next)!;
      if (!covers(by, at)) continue;
      const to = push(at, by, direction);
      boxes.set(next, to);
      moved.set(next, [to.left, to.top]);
      for (const [other, there] of boxes) if (other !== next && covers(to, there)) waiting.push({ id: other, by: to });
    }
  }
  return moved;
}

/** Whether two boxes lie over one another, or so close that no wire is seen between them. */
export function covers(a: Box, b: Box): boolean {
  return a.left < b.right + GRID && a.right + GRID > b.left && a.top < b.bottom + GRID && a.bottom + GRID > b.top;
}

type Direction = 'left' | 'right' | 'up' | 'down';

/** Away from the middle of a box, along the axis on which the way out is shorter. */
function directionFrom(placed: Box, box: Box): Direction {
  const isRight = box.left + box.right >= placed.left + placed.right;
  const isBelow = box.top + box.bottom >= placed.top + placed.bottom;
  const across = isRight ? placed.right - box.left : box.right - placed.left;
  const down = isBelow ? placed.bottom - box.top : box.bottom - placed.top;
  if (across < down) return isRight ? 'right' : 'left';
  return isBelow ? 'down' : 'up';
}

/** A box moved so that it lies a gap away from another. */
function push(box: Box, by: Box, direction: Direction): Box {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const to = { left: box.left, top: box.top };
  if (direction === 'right') to.left = ceil(by.right + GAP);
  else if (direction === 'left') to.left = -ceil(width + GAP - by.left);
  else if (direction === 'down') to.top = ceil(by.bottom + GAP);
  else to.top = -ceil(height + GAP - by.top);
  return { ...to, right: to.left + width, bottom: to.top + height };
}

/** The next multiple of the grid. */
function ceil(length: number): number {
  return snap(Math.ceil(length / GRID) * GRID);
}
