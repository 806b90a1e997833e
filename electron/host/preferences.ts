import { isAbsolute, join } from 'node:path';
import { deviceNames } from '../../nodes/ml/deviceNames.ts';
import { jsonFile, type Tell } from '../files/jsonFile.ts';
import { languageTags, type Preferences } from './ipc.ts';

const initial: Preferences = {
  theme: 'system',
  language: 'system',
  device: 'auto',
  previews: true,
  autosave: false,
  memoryShare: 0.5,
  runsFolder: '',
  view: {},
};

const languages: readonly Preferences['language'][] = ['system', ...languageTags];

/** What the user chose, in the data folder. Fields that are missing or wrong have their initial value. `tell` as in `jsonFile`. */
export function preferences(dataFolder: string, tell?: Tell) {
  const file = jsonFile<Partial<Preferences>>(
    join(dataFolder, 'preferences.json'),
    {},
    (found) => typeof found === 'object' && found !== null && !Array.isArray(found),
    tell,
  );
  const whole = (found: Partial<Preferences>): Preferences => ({ ...initial, ...onlyRight(found) });
  return {
    read: async () => whole(await file.read()),
    write: async (changes: Partial<Preferences>) =>
      whole(await file.change((old) => ({ ...old, ...onlyRight(changes) }))),
  };
}

function onlyRight(given: Partial<Preferences>): Partial<Preferences> {
  const { theme, language, device, previews, autosave, memoryShare, runsFolder, view } = given;
  const isView = typeof view === 'object' && view !== null && !Array.isArray(view);
  return {
    ...(theme === 'system' || theme === 'light' || theme === 'dark' ? { theme } : {}),
    ...(languages.some((each) => each === language) ? { language: language as Preferences['language'] } : {}),
    ...(device === 'auto' || deviceNames.some((name) => name === device)
      ? { device: device as Preferences['device'] }
      : {}),
    ...(typeof previews === 'boolean' ? { previews } : {}),
    ...(typeof autosave === 'boolean' ? { autosave } : {}),
    ...(typeof memoryShare === 'number' && memoryShare >= 0.1 && memoryShare <= 0.9 ? { memoryShare } : {}),
    ...(typeof runsFolder === 'string' && (runsFolder === '' || isAbsolute(runsFolder)) ? { runsFolder } : {}),
    ...(isView ? { view } : {}),
  };
}
