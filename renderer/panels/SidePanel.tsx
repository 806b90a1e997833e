import { Boxes, Files, LayoutTemplate, Package } from 'lucide-react';
import { useEditor, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import type { SidePanel as SidePanelName } from '../state/view.ts';
import { FilesPanel } from './FilesPanel.tsx';
import { ModelsPanel } from './ModelsPanel.tsx';
import { NodesPanel } from './NodesPanel.tsx';
import { PanelHead } from './PanelHead.tsx';
import { TemplatesPanel } from './TemplatesPanel.tsx';

const PANELS = {
  nodes: { Icon: Boxes, Panel: NodesPanel },
  templates: { Icon: LayoutTemplate, Panel: TemplatesPanel },
  files: { Icon: Files, Panel: FilesPanel },
  models: { Icon: Package, Panel: ModelsPanel },
} as const;

/** The panel at the left and the rail that chooses it. */
export function SidePanel() {
  const { view } = useEditor();
  const side = useView((state) => state.side);
  const Panel = side && PANELS[side].Panel;
  const show = (name: SidePanelName | undefined) => view.setState({ side: name });
  return (
    <>
      <nav className="rail" aria-label={messages.app.menu}>
        {(Object.keys(PANELS) as SidePanelName[]).map((name) => {
          const { Icon } = PANELS[name];
          return (
            <button
              key={name}
              type="button"
              aria-pressed={side === name}
              onClick={() => show(side === name ? undefined : name)}
            >
              <Icon size={20} aria-hidden />
              <span>{messages.app.panels[name]}</span>
            </button>
          );
        })}
      </nav>
      {Panel && side && (
        <aside className="side" aria-label={messages.app.panels[side]}>
          <PanelHead title={messages.app.panels[side]} onClose={() => show(undefined)} />
          <Panel />
        </aside>
      )}
    </>
  );
}
