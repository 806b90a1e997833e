import type { Menu, MenuItem } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import type { MenuName } from './command.ts';
import { commands } from './commands.ts';

/** The menus of the application, as its shell wants them. */
export function listMenus(): Menu[] {
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
