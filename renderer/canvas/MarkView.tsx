import { memo } from 'react';
import { type NodeProps, NodeResizer } from 'reactflow';
import { changeMark, type MarkKind } from '../../graphs/document/marks.ts';
import { useEditor, useView } from '../state/editor.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { type FrameFlowNode, GRID, type NoteFlowNode } from './flow.ts';

/** A text on the canvas; a double click writes in it. */
export const NoteView = memo(
  ({ id, data: { note, place }, selected }: NodeProps<NoteFlowNode>) => {
    const naming = useView((state) => state.naming === id);
    const { graph, view } = useEditor();
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: F2 does the same for keys
      <div className={`note${selected ? ' selected' : ''}`} onDoubleClick={() => view.setState({ naming: id })}>
        <Resizer kind="notes" place={place} selected={selected} />
        {naming ? (
          <textarea
            className="nodrag nowheel nopan"
            aria-label={messages.canvas.note}
            defaultValue={note.text}
            // biome-ignore lint/a11y/noAutofocus: the user just asked to write here
            autoFocus
            onChange={({ target }) =>
              editGraph(graph, (document) => changeMark(document, 'notes', place, { text: target.value }), `text ${id}`)
            }
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === 'Escape') event.currentTarget.blur();
            }}
            onBlur={() => {
              endGroup(graph);
              view.setState({ naming: undefined });
            }}
          />
        ) : (
          <p>{note.text}</p>
        )}
      </div>
    );
  },
  (before, after) => before.data === after.data && before.selected === after.selected,
);

/** A titled rectangle behind nodes. */
export const FrameView = memo(
  ({ id, data: { frame, place }, selected }: NodeProps<FrameFlowNode>) => {
    const naming = useView((state) => state.naming === id);
    const { graph, view } = useEditor();
    return (
      <section className={`frame${selected ? ' selected' : ''}`} aria-label={frame.title}>
        <Resizer kind="frames" place={place} selected={selected} />
        {naming ? (
          <input
            className="frame-title nodrag"
            aria-label={messages.canvas.frame}
            defaultValue={frame.title}
            // biome-ignore lint/a11y/noAutofocus: the user just asked to write here
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={({ target }) =>
              editGraph(
                graph,
                (document) => changeMark(document, 'frames', place, { title: target.value }),
                `text ${id}`,
              )
            }
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
            }}
            onBlur={() => {
              endGroup(graph);
              view.setState({ naming: undefined });
            }}
          />
        ) : (
          <h3 className="frame-title" onDoubleClick={() => view.setState({ naming: id })}>
            {frame.title}
          </h3>
        )}
      </section>
    );
  },
  (before, after) => before.data === after.data && before.selected === after.selected,
);

function Resizer({ kind, place, selected }: { kind: MarkKind; place: number; selected: boolean }) {
  const { graph } = useEditor();
  return (
    <NodeResizer
      isVisible={selected}
      minWidth={GRID * 10}
      minHeight={GRID * 5}
      onResizeEnd={(_event, { x, y, width, height }) => {
        const [left, top, across, down] = [x, y, width, height].map((length) => Math.round(length / GRID) * GRID) as [
          number,
          number,
          number,
          number,
        ];
        editGraph(graph, (document) =>
          changeMark(document, kind, place, { position: [left, top], size: [across, down] }),
        );
      }}
    />
  );
}
