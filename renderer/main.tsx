import 'reactflow/dist/base.css';
import './style/base.css';
import './style/canvas.css';
import './style/card.css';
import './style/outcome.css';
import './style/far.css';
import './style/sockets.css';
import './style/wires.css';
import './style/marks.css';
import './style/window.css';
import './style/panels.css';
import './style/search.css';
import './style/dialogs.css';
import './style/lists.css';
import './style/notices.css';
import './style/runs.css';
import './style/form.css';
import './style/tabs.css';
import './style/viewer.css';
import './style/scores.css';
import './style/pareto.css';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { askBeforeClosing } from './state/closing.ts';
import { EditorContext, useView } from './state/editor.ts';
import { createEditor } from './state/session.ts';
import { connectShell } from './state/shell.ts';

/** The window width in pixels from which the inspector is open at the start. */
const WIDE = 1440;

const editor = createEditor(connectShell());
editor.view.setState({ inspector: innerWidth >= WIDE });
askBeforeClosing(editor);

/** The window in its language: another language draws it anew. */
function Window() {
  const spoken = useView((state) => state.spoken);
  return spoken && <App key={spoken} />;
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <EditorContext value={editor}>
      <CSPProvider disableStyleElements>
        <Window />
      </CSPProvider>
    </EditorContext>
  </StrictMode>,
);
