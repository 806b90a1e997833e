import { useMemo } from 'react';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { listWires } from '../../graphs/edit/rewire.ts';
import { estimateCardShape } from '../level/cardShape.ts';
import { useGraph } from '../state/editor.ts';

/** A graph in small: its nodes in the colours of what they give, and its wires. */
export function GraphSketch({ document }: { document: GraphDocument }) {
  const cards = useGraph(({ library }) => library);
  const boxes = useMemo(
    () =>
      Object.entries(document.nodes).map(([id, node]) => {
        const card = cards.get(node.type);
        const type = Object.values({ ...card?.inputs, ...card?.outputs }).at(-1)?.type ?? 'unknown';
        return { id, type, x: node.position[0], y: node.position[1], ...estimateCardShape(node, cards) };
      }),
    [document, cards],
  );
  const wires = useMemo(
    () =>
      listWires(document).map(({ wire: [source, output], node, name }) => {
        const type = cards.get(document.nodes[source]?.type ?? '')?.outputs[output]?.type ?? 'unknown';
        return { key: `${source} ${output} ${node} ${name}`, source, node, type };
      }),
    [document, cards],
  );
  const [left, top] = [Math.min(...boxes.map(({ x }) => x)), Math.min(...boxes.map(({ y }) => y))];
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  const places = new Map(boxes.map((box) => [box.id, box]));
  return (
    <svg
      className="graph-sketch"
      viewBox={`${left - 60} ${top - 60} ${right - left + 120} ${bottom - top + 120}`}
      aria-hidden
    >
      {wires.map(({ key, source, node, type }) => {
        const [from, to] = [places.get(source), places.get(node)];
        if (!from || !to) return null;
        const [x1, y1, x2, y2] = [from.x + from.width, from.y + 44, to.x, to.y + 44];
        return (
          <path
            key={key}
            className={`type-${type}`}
            d={`M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`}
          />
        );
      })}
      {boxes.map(({ id, type, x, y, width, height }) => (
        <rect key={id} className={`type-${type}`} x={x} y={y} width={width} height={height} rx={16} />
      ))}
    </svg>
  );
}
