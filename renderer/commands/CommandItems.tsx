import { Menu } from '@base-ui/react/menu';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { type Command, keysText, perform } from './commands.ts';

const isMac = navigator.platform.startsWith('Mac');

/** Commands as the items of a menu. */
export function CommandItems({ commands }: { commands: readonly Command[] }) {
  const editor = useEditor();
  return commands.map((command, i) => (
    <div key={command.name} role="presentation">
      {command.begins && i > 0 && <Menu.Separator className="menu-line" />}
      <Menu.Item
        className="menu-item"
        disabled={command.enabled?.(editor) === false}
        onClick={() => perform(editor, command)}
      >
        <span>
          {command.checked?.(editor) && '✓ '}
          {messages.commands[command.name]}
        </span>
        {command.keys && <kbd>{keysText(command.keys[0] as string, isMac)}</kbd>}
      </Menu.Item>
    </div>
  ));
}
