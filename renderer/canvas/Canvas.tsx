import { useLayoutEffect, useRef, useState } from 'react';
import { ReactFlowProvider } from 'reactflow';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { Breadcrumbs } from './Breadcrumbs.tsx';
import { CanvasMenu } from './CanvasMenu.tsx';
import { toFlowNodes } from './flow.ts';
import { Level } from './Level.tsx';
import { keepViewport, noteZoom, recallViewport, type SizedViewport } from './viewport.ts';

/**
 * The level of the graph that is being edited; another level is another canvas. Its place on the screen is measured
 * first, so that the first frame already shows it where it was left, or as a whole.
 */
export function Canvas() {
  const editor = useEditor();
  const isEmpty = useGraph(({ document }) => Object.keys(document.nodes).length === 0);
  const place = useRef<HTMLElement>(null);
  const [start, setStart] = useState<SizedViewport>();
  useLayoutEffect(() => {
    if (!place.current) return;
    const { width, height } = place.current.getBoundingClientRect();
    const { document, cards } = editor.graph.getState();
    const viewport = recallViewport(editor, toFlowNodes(document, cards, [], []), width, height);
    noteZoom(editor, viewport.zoom);
    keepViewport(editor, viewport);
    setStart({ ...viewport, width, height });
  }, [editor]);
  return (
    <main className="canvas" ref={place} tabIndex={-1} aria-label={messages.canvas.name}>
      {start && (
        <ReactFlowProvider initialWidth={start.width} initialHeight={start.height}>
          <CanvasMenu>
            <Level start={start} />
          </CanvasMenu>
        </ReactFlowProvider>
      )}
      <Breadcrumbs />
      <HelpLine />
      {isEmpty && <p className="canvas-empty">{messages.canvas.empty}</p>}
    </main>
  );
}

/** What the param does that is pointed at or written in, at the bottom of the canvas. */
function HelpLine() {
  const help = useView((state) => state.help);
  return help === undefined ? null : <p className="help-line">{help}</p>;
}
