import { UserError } from '../../nodes/errors.ts';
import type { Editor } from './editor.ts';
import { notify } from './view.ts';

/** Runs an action; a UserError that it throws is shown as a notice. */
export async function attempt(editor: Editor, action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notify(editor.view, { kind: 'failure', text: error.message });
  }
}
