/** `npm run types` begins here: the types of Electron come with its packages. */
import { packageFolder } from '../electron/files/folders.ts';
import { desktopPackages } from './desktopPackages.ts';

desktopPackages(packageFolder);
