import { memo } from 'react';
import { type NodeProps, NodeResizer } from 'reactflow';
import { changeMark, type MarkKind } from '../../graphs/edit/marks.ts';
import { TitleField } from '../controls/TitleField.tsx';
import { GRID, snap } from '../level/grid.ts';
import { useEditor, useView } from '../state/editor.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import type { FrameFlowNode, NoteFlowNode } from './flow.ts';

/** A text on the canvas; a double click writes in it. */
export const NoteView = memo(
  ({ id, data: { note, place }, selected }: NodeProps<NoteFlowNode>) => {
    const naming = useView(({ naming }) => naming?.kind === 'note' && naming.place === place);
    const { graph, view } = useEditor();
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: F2 does the same for keys
      <div
        className={`note${selected ? ' selected' : ''}`}
        onDoubleClick={() => view.setState({ naming: { kind: 'note', place } })}
      >
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
    const naming = useView(({ naming }) => naming?.kind === 'frame' && naming.place === place);
    const { graph, view } = useEditor();
    return (
      <section className={`frame${selected ? ' selected' : ''}`} aria-label={frame.title}>
        <Resizer kind="frames" place={place} selected={selected} />
        {naming ? (
          <TitleField
            className="frame-title nodrag"
            label={messages.canvas.frame}
            title={frame.title}
            onChange={(title) =>
              editGraph(graph, (document) => changeMark(document, 'frames', place, { title }), `text ${id}`)
            }
            onKey={(event) => event.stopPropagation()}
          />
        ) : (
          <h3 className="frame-title" onDoubleClick={() => view.setState({ naming: { kind: 'frame', place } })}>
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
        const rectangle = { position: [snap(x), snap(y)], size: [snap(width), snap(height)] } as const;
        editGraph(graph, (document) => changeMark(document, kind, place, rectangle));
      }}
    />
  );
}
