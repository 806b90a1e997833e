import { useEffect, useState } from 'react';
import { useStoreApi, useUpdateNodeInternals } from 'reactflow';
import type { GraphNode } from '../../graphs/document/document.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { cardWidth, estimateCardShape } from '../level/cardShape.ts';
import { findSocketType } from '../level/fitting.ts';
import { useEditor, useGraph, useNodeProblems, useNodeRun } from '../state/editor.ts';
import { holdEnd } from './flow.ts';
import { Socket } from './Socket.tsx';

interface FarNodeProps {
  readonly id: string;
  readonly node: GraphNode;
  readonly selected: boolean;
}

/** A node seen from afar: a box of its size with its title, in the colour of what it gives; pointed at, with its sockets. */
export function FarNode({ id, node, selected }: FarNodeProps) {
  const { graph } = useEditor();
  const [pointed, setPointed] = useState(false);
  const measure = useUpdateNodeInternals();
  useEffect(() => {
    if (pointed) measure(id); // its sockets are there now
  }, [id, pointed, measure]);
  const { height } = useStoreApi().getState().nodeLookup.get(id)?.measured ?? {};
  const card = useGraph(({ cards }) => cards.get(node.type));
  const wrong = useNodeProblems(id).length > 0;
  const state = useNodeRun(id)?.state;
  const [given, taken] = [card?.outputs ?? {}, card?.inputs ?? {}].map((ports) => Object.values(ports)[0]?.type);
  const classes = [
    'card far',
    `type-${given ?? taken ?? 'unknown'}`,
    selected && 'selected',
    node.muted && 'muted',
    (wrong || state === 'failed') && 'wrong',
    state && `run-${state}`,
    node.colour && `colour-${node.colour}`,
  ];
  const title = useGraph(({ cards }) => titleOf(node, cards));
  const { document, cards } = graph.getState();
  return (
    <article
      className={classes.filter(Boolean).join(' ')}
      aria-label={title}
      style={{ height, width: cardWidth(node, card) }}
      onPointerMove={() => setPointed(true)} // what comes under the pointer as the view is zoomed is not entered
      onPointerLeave={() => setPointed(false)}
    >
      <h2 style={{ fontSize: Math.min(32, 0.36 * (height ?? 96)) }}>{title}</h2>
      {pointed &&
        estimateCardShape(node, cards).sockets.map(({ name, side, y }) => (
          <Socket
            key={`${side} ${name}`}
            side={side}
            name={name}
            type={findSocketType(document, cards, holdEnd(id, name, side))}
            top={y}
          />
        ))}
    </article>
  );
}
