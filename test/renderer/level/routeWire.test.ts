import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { moveNodes } from '../../../graphs/edit/edit.ts';
import { listWires } from '../../../graphs/edit/rewire.ts';
import { type Cards, describeNode } from '../../../nodes/card.ts';
import { library } from '../../../nodes/index.ts';
import { estimateCardShape } from '../../../renderer/level/cardShape.ts';
import { layOut } from '../../../renderer/level/layOut.ts';
import { countHidden, drawRoute, routeWire } from '../../../renderer/level/routeWire.ts';

const box = (left: number, top: number, width = 256, height = 200) => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});

describe('the way of a wire', () => {
  it('is the plain curve where nothing hides that', () => {
    expect(routeWire({ x: 0, y: 0 }, { x: 600, y: 40 }, [box(200, 200)])).toBeUndefined();
  });

  it('goes around what lies between its ends, by the nearer side', () => {
    const [from, to] = [
      { x: 0, y: 0 },
      { x: 800, y: 0 },
    ];
    const boxes = [box(272, -40)];
    const way = routeWire(from, to, boxes)!;
    expect(way.map(({ y }) => y)).toEqual([-56, -56]);
    expect(countHidden(from, to, undefined, boxes)).toBeGreaterThan(0);
    expect(countHidden(from, to, way, boxes)).toBe(0);
    expect(drawRoute(from, to, way)).toMatch(/^M0,0C.* 48,-56L752,-56C.* 800,0$/);
  });

  it('never hides more of a wire than the plain curve would', () => {
    const place = fc.record({ x: fc.integer({ min: -900, max: 900 }), y: fc.integer({ min: -600, max: 600 }) });
    const boxes = fc.array(place, { maxLength: 10 }).map((places) => places.map(({ x, y }) => box(x, y)));
    fc.assert(
      fc.property(place, place, boxes, (from, to, some) => {
        const way = routeWire(from, to, some);
        const plain = countHidden(from, to, undefined, some);
        if (way) expect(countHidden(from, to, way, some)).toBeLessThan(plain);
        else if (some.length === 0) expect(plain).toBe(0);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('after the automatic layout', () => {
  const cards: Cards = new Map([...library].map(([type, node]) => [type, describeNode(node)]));
  const folder = 'graphs/templates';
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

  it.each(names)('the nodes of %s do not lie over one another, before it as well', (name) => {
    const document = JSON.parse(readFileSync(join(folder, name), 'utf8')) as GraphDocument;
    const boxes = Object.values(document.nodes).map((node) => {
      const { width, height } = estimateCardShape(node, cards);
      return box(...node.position, width, height);
    });
    const covered = boxes.filter((a, i) =>
      boxes.slice(i + 1).some((b) => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top),
    );
    expect(covered).toEqual([]);
  });

  it.each(names)('no wire of %s lies under a node', async (name) => {
    const document = JSON.parse(readFileSync(join(folder, name), 'utf8')) as GraphDocument;
    const shapeOf = (id: string) => estimateCardShape(document.nodes[id]!, cards);
    const laid = moveNodes(document, await layOut(document, cards, Object.keys(document.nodes), shapeOf));
    const placeOf = (id: string, side: string, socket: string) => {
      const [x, y] = laid.nodes[id]!.position;
      const found = shapeOf(id).sockets.find((each) => each.side === side && each.name === socket)!;
      return { x: x + found.x, y: y + found.y };
    };
    const boxes = Object.keys(laid.nodes).map((id) => {
      const { width, height } = shapeOf(id);
      return box(...laid.nodes[id]!.position, width, height);
    });
    for (const { wire, node, name } of listWires(laid)) {
      const [from, to] = [placeOf(wire[0], 'source', wire[1]), placeOf(node, 'target', name)];
      expect(countHidden(from, to, routeWire(from, to, boxes), boxes), `${wire} to ${node} ${name}`).toBe(0);
    }
  });
});
