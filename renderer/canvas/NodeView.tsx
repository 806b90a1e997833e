import { SquareArrowDownRight } from 'lucide-react';
import { memo, useEffect, useRef } from 'react';
import { type NodeProps, useUpdateNodeInternals } from 'reactflow';
import type { GraphNode } from '../../graphs/document/document.ts';
import { isBoundary, subgraphOf } from '../../graphs/document/levels.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { titleNode } from '../../graphs/edit/subgraphs.ts';
import { goInside } from '../commands/levels.ts';
import { ProblemText } from '../commands/ProblemText.tsx';
import { TitleField } from '../controls/TitleField.tsx';
import { cardWidth } from '../level/cardShape.ts';
import { useEditor, useFailure, useGraph, useNodeProblems, useNodeRun, useView } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { FarNode } from './FarNode.tsx';
import type { CardFlowNode } from './flow.ts';
import { HackMark, NodeOutcome, RunChip } from './NodeOutcome.tsx';
import { Ports, UnknownPorts } from './Ports.tsx';
import { WidthEdge } from './WidthEdge.tsx';

/** A node of a graph on the canvas. Drawn again only when the node itself, its problems or its run changed. */
export const NodeView = memo(
  ({ id, data, selected }: NodeProps<CardFlowNode>) => {
    const far = useView((state) => state.far);
    const Body = far ? FarNode : NearNode;
    useMeasuredAnew(id, far);
    return <Body id={id} node={data.node} selected={selected ?? false} />;
  },
  (before, after) => before.id === after.id && before.data === after.data && before.selected === after.selected,
);

/** What was drawn from afar had no sockets to measure. */
function useMeasuredAnew(id: string, far: boolean): void {
  const measure = useUpdateNodeInternals();
  const wasFar = useRef(far);
  useEffect(() => {
    if (wasFar.current && !far) measure(id);
    wasFar.current = far;
  }, [id, far, measure]);
}

function NearNode({ id, node, selected }: { id: string; node: GraphNode; selected: boolean }) {
  const card = useGraph(({ cards }) => cards.get(node.type));
  const problems = useNodeProblems(id);
  const run = useNodeRun(id);
  const failure = useFailure(id);
  const [first] = problems;
  const classes = [
    'card',
    selected && 'selected',
    node.muted && 'muted',
    (first || failure) && 'wrong',
    run && `run-${run.state}`,
    node.colour && `colour-${node.colour}`,
    isBoundary(node) && 'boundary',
    `group-${groupOf(node)}`,
  ];
  const title = useGraph(({ cards }) => titleOf(node, cards));
  return (
    <article className={classes.filter(Boolean).join(' ')} aria-label={title} style={{ width: cardWidth(node, card) }}>
      <header className="card-head">
        <NodeTitle id={id} title={title} />
        <HackMark id={id} />
        <RunChip id={id} />
        {card && subgraphOf(node) !== undefined && <InsideButton id={id} title={title} />}
      </header>
      {run?.state === 'running' && (
        <progress
          className="card-progress"
          aria-label={messages.run.progressOf(title)}
          max={1}
          value={run.fraction ?? 0}
        />
      )}
      {card ? <Ports id={id} node={node} card={card} problems={problems} /> : <UnknownPorts node={node} />}
      {first && (
        <div className="card-problem">
          {first.code === 'UNKNOWN_TYPE' ? messages.node.unknown(node.type) : <ProblemText problem={first} />}
        </div>
      )}
      {!node.collapsed && <NodeOutcome id={id} />}
      <WidthEdge id={id} width={cardWidth(node, card)} />
    </article>
  );
}

/** The group of the palette that a node is of, as its type says. */
function groupOf({ type }: GraphNode): string {
  return type.slice(0, type.indexOf('/'));
}

function InsideButton({ id, title }: { id: string; title: string }) {
  const editor = useEditor();
  return (
    <button
      type="button"
      className="icon-button nodrag"
      aria-label={`${messages.commands.goInside}: ${title}`}
      title={messages.commands.goInside}
      onClick={() => goInside(editor, id)}
    >
      <SquareArrowDownRight size={14} aria-hidden />
    </button>
  );
}

function NodeTitle({ id, title }: { id: string; title: string }) {
  const { graph, view } = useEditor();
  const isNamed = useView(({ naming }) => naming?.kind === 'node' && naming.id === id);
  if (!isNamed) {
    return (
      <h2
        className="card-title"
        title={title}
        onDoubleClick={(event) => {
          event.stopPropagation();
          view.setState({ naming: { kind: 'node', id } });
        }}
      >
        {title}
      </h2>
    );
  }
  return (
    <TitleField
      className="field card-title nodrag"
      label={messages.node.title}
      title={title}
      onChange={(name) => editGraph(graph, (document) => titleNode(document, id, name), `name ${id}`)}
      onKey={(event) => event.stopPropagation()}
    />
  );
}
