import { applyOverrides } from '../../graphs/edit/overrides.ts';
import type { Editor } from '../state/editor.ts';
import { requireEngine } from '../state/engine.ts';
import type { Mend } from '../state/explainProblem.ts';
import { editWhole } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { pullModels } from '../state/models.ts';
import { notify } from '../state/view.ts';

/** Does what mends a problem. */
export async function mendProblem(editor: Editor, mend: Mend): Promise<void> {
  const { desktop, graph, view } = editor;
  const set = (node: string, param: string, value: string) =>
    editWhole(graph, (whole) => applyOverrides(whole, { [`${node}.${param}`]: value }, graph.getState().library));
  switch (mend.kind) {
    case 'download':
      view.setState({ side: 'models', page: 'graph' });
      return pullModels(editor, [mend.model]);
    case 'useBuiltIn':
      return set(mend.node, mend.param, mend.model);
    case 'choose': {
      const path = await desktop.chooseFile(mend.accept, mend.folder);
      if (path !== undefined) set(mend.node, mend.param, path);
      return;
    }
    case 'freeMemory':
      await requireEngine(editor).clearCache();
      return notify(view, { kind: 'note', text: messages.problems.freed });
    case 'openLog':
      return view.setState({ overlay: { kind: 'log', folder: mend.folder } });
  }
}
