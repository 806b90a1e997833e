import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { UserError } from '../../nodes/errors.ts';
import type { Editor } from './editor.ts';
import { messages } from './messages.ts';

/** The engine; throws UserError `ENGINE_LOST` while there is none. */
export function requireEngine(editor: Editor): QueuedEngine {
  if (!editor.engine) throw new UserError('ENGINE_LOST', messages.run.notReady);
  return editor.engine;
}
