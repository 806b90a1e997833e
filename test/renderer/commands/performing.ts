import { expect } from 'vitest';
import type { CommandName } from '../../../renderer/commands/command.ts';
import { findCommand } from '../../../renderer/commands/commands.ts';
import type { Editor } from '../../../renderer/state/editor.ts';

export function isEnabled(editor: Editor, name: CommandName): boolean {
  return findCommand(name).enabled?.(editor) !== false;
}

/** Does a command that can be done now. */
export async function perform(editor: Editor, name: CommandName): Promise<void> {
  expect(isEnabled(editor, name), `${name} is enabled`).toBe(true);
  await findCommand(name).perform(editor);
}

/** The same, and checks that the command is one step: one undo takes back all that it changed. */
export async function performAsOneStep(editor: Editor, name: CommandName): Promise<void> {
  const before = editor.graph.getState();
  await perform(editor, name);
  const { past } = editor.graph.getState();
  expect(past).toHaveLength(before.past.length + 1);
  expect(past.at(-1)).toBe(before.whole);
}
