import type { CommandName } from '../commands/command.ts';
import { commands, perform } from '../commands/commands.ts';
import { formatShortcut } from '../commands/keys.ts';
import type { Choice } from '../controls/ChoiceList.tsx';
import { isMac } from '../controls/isMac.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { SearchBox } from './SearchBox.tsx';

/** The palette of commands. */
export function AllCommands({ close }: { close(): void }) {
  const editor = useEditor();
  const choices = commands.map(
    (command): Choice => ({
      key: command.name,
      label: messages.commands[command.name],
      group: messages.menus[command.menu],
      disabled: command.enabled?.(editor) === false,
      end: command.keys && <kbd>{formatShortcut(command, isMac)}</kbd>,
    }),
  );
  return (
    <SearchBox
      label={messages.search.commands}
      choices={choices}
      onChoose={(name) => {
        close();
        perform(editor, name as CommandName);
      }}
    />
  );
}
