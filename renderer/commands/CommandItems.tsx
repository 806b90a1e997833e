import { Menu } from '@base-ui/react/menu';
import { isMac } from '../controls/isMac.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import type { Command } from './command.ts';
import { perform } from './commands.ts';
import { formatShortcut } from './keys.ts';

/** Commands as the items of a menu. */
export function CommandItems({ commands }: { commands: readonly Command[] }) {
  const editor = useEditor();
  return commands.map((command, i) => (
    <div key={command.name} role="presentation">
      {command.begins && i > 0 && <Menu.Separator className="menu-line" />}
      <Menu.Item
        className="menu-item"
        disabled={command.enabled?.(editor) === false}
        onClick={() => perform(editor, command.name)}
      >
        <span>
          {command.checked?.(editor) && '✓ '}
          {messages.commands[command.name]}
        </span>
        {command.keys && <kbd>{formatShortcut(command, isMac)}</kbd>}
      </Menu.Item>
    </div>
  ));
}
