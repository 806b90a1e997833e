import { ChevronRight } from 'lucide-react';
import { useShallow } from 'zustand/react/shallow';
import { levelOf, subgraphAt } from '../../graphs/document/levels.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { showLevel } from '../commands/levels.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { levelCards } from '../state/nodeCards.ts';

/** The path from the graph to the subgraph being edited; each step leads back to that level. */
export function Breadcrumbs() {
  const editor = useEditor();
  const path = useGraph((state) => state.path);
  const titles = useGraph(
    useShallow(({ whole, library, path }) =>
      path.map((id, depth) => {
        const name = subgraphAt(whole, path.slice(0, depth));
        const node = levelOf(whole, name).nodes[id];
        return node ? titleOf(node, levelCards(whole, library, name)) : id;
      }),
    ),
  );
  const top = useGraph(({ whole }) => whole.title);
  if (path.length === 0) return null;
  return (
    <nav className="breadcrumbs" aria-label={messages.canvas.path}>
      {[top, ...titles].map((title, depth) => (
        <span key={path.slice(0, depth).join('/')}>
          {depth > 0 && <ChevronRight size={14} aria-hidden />}
          <button
            type="button"
            className="text-button"
            aria-current={depth === path.length ? 'page' : undefined}
            disabled={depth === path.length}
            onClick={() => showLevel(editor, path.slice(0, depth))}
          >
            {title}
          </button>
        </span>
      ))}
    </nav>
  );
}
