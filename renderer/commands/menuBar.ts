import type { Menu, MenuItem } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import { menus } from './commands.ts';

/** The menus of the application, as its shell wants them. */
export function listMenus(): Menu[] {
  return menus.map((menu) => ({
    label: messages.menus[menu.name],
    items: menu.commands.flatMap(({ name, keys, begins }): MenuItem[] => {
      const accelerator = keys?.[0]?.replace('Mod', 'CmdOrCtrl');
      const item = { label: messages.commands[name], command: name, ...(accelerator ? { accelerator } : {}) };
      return begins ? ['separator', item] : [item];
    }),
  }));
}
