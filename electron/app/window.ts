import { join } from 'node:path';
import { BrowserWindow, nativeTheme, type Rectangle, screen } from 'electron';
import { jsonFile } from '../files/jsonFile.ts';
import { hardened } from './security.ts';

interface Placement {
  readonly bounds?: Rectangle;
  readonly maximized?: boolean;
}

/** The one window, where it was the last time, still empty. `preload` is the path of its script. */
export async function createWindow(preload: string, dataFolder: string, isPackaged: boolean): Promise<BrowserWindow> {
  const placement = jsonFile<Placement>(
    join(dataFolder, 'window.json'),
    {},
    (found) => typeof found === 'object' && found !== null,
  );
  const { bounds, maximized } = await placement.read().catch((): Placement => ({}));
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    ...(bounds && isOnScreen(bounds) ? bounds : {}),
    minWidth: 800,
    minHeight: 500,
    show: false,
    title: 'Noiseloom',
    autoHideMenuBar: true, // where the system has no menu bar of its own, the page's menus are there already
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181c' : '#f6f7f9',
    webPreferences: { ...hardened, preload, devTools: !isPackaged, spellcheck: false },
  });
  if (maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    const placed = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    placement.change(() => placed).catch(() => {}); // the window opens in its usual place then
  });
  // A page that died is loaded again; what was unsaved is in the drafts.
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason !== 'clean-exit') window.reload();
  });
  return window;
}

function isOnScreen(bounds: Rectangle): boolean {
  if (![bounds.x, bounds.y, bounds.width, bounds.height].every(Number.isInteger)) return false;
  const { workArea } = screen.getDisplayMatching(bounds);
  return (
    bounds.x < workArea.x + workArea.width &&
    bounds.x + bounds.width > workArea.x &&
    bounds.y < workArea.y + workArea.height &&
    bounds.y + bounds.height > workArea.y
  );
}
