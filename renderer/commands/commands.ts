import { attempt } from '../state/attempt.ts';
import type { Editor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { arrangeCommands } from './arrange.ts';
import type { Command, CommandName, MenuName } from './command.ts';
import { editCommands } from './edit.ts';
import { fileCommands } from './file.ts';
import { helpCommands } from './help.ts';
import { isPressed, type KeyPress } from './keys.ts';
import { runCommands } from './run.ts';
import { viewCommands } from './view.ts';

/** Every command, in the order of the menus. */
export const commands: readonly Command[] = [
  ...fileCommands,
  ...editCommands,
  ...arrangeCommands,
  ...viewCommands,
  ...runCommands,
  ...helpCommands,
];

/** The menus in their order, each with its commands. */
export const menus = (Object.keys(messages.menus) as MenuName[]).map((name) => ({
  name,
  commands: commands.filter(({ menu }) => menu === name),
}));

const byName = new Map(commands.map((command) => [command.name, command]));

export function findCommand(name: CommandName): Command {
  const command = byName.get(name);
  if (!command) throw new Error(`There is no command named ${name}.`);
  return command;
}

/** Does what a command says, if it can be done now; what goes wrong is shown. */
export function perform(editor: Editor, name: CommandName): void {
  const command = findCommand(name);
  if (command.enabled?.(editor) === false) return;
  void attempt(editor, () => command.perform(editor));
}

/** The command of a key that was pressed, or undefined. `inField`: the user writes in a field. */
export function findCommandForKey(event: KeyPress, inField: boolean, isMac: boolean): Command | undefined {
  return commands.find(
    ({ keys, inFields, byClipboard }) =>
      (!inField || inFields) && !byClipboard && keys?.some((key) => isPressed(key, event, isMac)),
  );
}
