import { type MenuItemConstructorOptions, Menu as SystemMenu } from 'electron';
import type { Menu, MenuItem } from '../host/ipc.ts';

/** Shows the window's table of commands as the application's menu. */
export function showMenu(menu: readonly Menu[], choose: (command: string) => void): void {
  const own: MenuItemConstructorOptions[] = process.platform === 'darwin' ? [{ role: 'appMenu' }] : [];
  const template = menu.map(({ label, items }) => ({ label, submenu: items.map((item) => makeItem(item, choose)) }));
  SystemMenu.setApplicationMenu(SystemMenu.buildFromTemplate([...own, ...template]));
}

/** Before the window has sent its commands there is no menu, except what macOS needs to quit. */
export function hideMenu(): void {
  showMenu([], () => {});
  if (process.platform !== 'darwin') SystemMenu.setApplicationMenu(null);
}

function makeItem(item: MenuItem, choose: (command: string) => void): MenuItemConstructorOptions {
  if (item === 'separator') return { type: 'separator' };
  const { label, command, accelerator, enabled = true, checked } = item;
  return {
    label,
    enabled,
    click: () => choose(command),
    registerAccelerator: false, // the window reads its keys itself
    ...(accelerator === undefined ? {} : { accelerator }),
    ...(checked === undefined ? {} : { type: 'checkbox', checked }),
  };
}
