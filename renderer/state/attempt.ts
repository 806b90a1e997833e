import { UserError } from '../../nodes/errors.ts';
import type { Editor } from './editor.ts';
import { notify } from './view.ts';

/** Does something that may fail for a reason the user can mend: the reason is shown. */
export async function attempt(editor: Editor, action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notify(editor.view, { kind: 'failure', text: error.message });
  }
}
