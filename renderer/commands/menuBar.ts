import type { Menu, MenuItem } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import { commands, type MenuName } from './commands.ts';

/** The menu of the application, from the table of commands. */
export function menuBar(): Menu[] {
  return (Object.keys(messages.menus) as MenuName[]).map((menu) => ({
    label: messages.menus[menu],
    items: commands
      .filter((command) => command.menu === menu)
      .flatMap(({ name, keys, begins }): MenuItem[] => {
        const accelerator = keys?.[0]?.replace('Mod', 'CmdOrCtrl');
        const item = { label: messages.commands[name], command: name, ...(accelerator ? { accelerator } : {}) };
        return begins ? ['separator', item] : [item];
      }),
  }));
}
