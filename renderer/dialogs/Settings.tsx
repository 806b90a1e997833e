import { useEffect, useState } from 'react';
import type { DeviceRow, Preferences } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { type Editor, useEditor, useView } from '../state/editor.ts';
import { languages, speakChosen } from '../state/language.ts';
import { messages } from '../state/messages.ts';
import { learnModels } from '../state/models.ts';
import { Box } from './Box.tsx';
import { NativeTensorFlow } from './NativeTensorFlow.tsx';
import { RunBin } from './RunBin.tsx';

/** The theme of the window, the device that computes, and what is kept where. */
export function Settings() {
  const editor = useEditor();
  const theme = useView((state) => state.theme);
  const language = useView((state) => state.language);
  const device = useView((state) => state.device);
  const current = useView(({ engine }) => (engine.state === 'ready' ? engine.device.name : undefined));
  const setUp = useView(({ native }) => native?.state);
  const fetches = useView(({ about }) => about?.fetchesNative);
  const { devices, isLooking } = useDevices(setUp === 'done');
  const change = (changes: Partial<Preferences>) => changePreferences(editor, changes);
  return (
    <Box title={messages.settings.name}>
      <div className="form">
        <label htmlFor="theme">{messages.settings.theme}</label>
        <select
          id="theme"
          className="field"
          value={theme}
          onChange={({ target }) => void change({ theme: target.value as typeof theme })}
        >
          {Object.entries(messages.settings.themes).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
        <label htmlFor="language">{messages.settings.language}</label>
        <select
          id="language"
          className="field"
          value={language}
          onChange={({ target }) =>
            void change({ language: target.value as typeof language }).then(() => speakChosen(editor))
          }
        >
          <option value="system">{messages.settings.systemLanguage}</option>
          {Object.entries(languages).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
        <label htmlFor="device">{messages.settings.device}</label>
        <select
          id="device"
          className="field"
          value={device}
          onChange={({ target }) => void change({ device: target.value as typeof device })}
        >
          <option value="auto">{messages.settings.automatic}</option>
          {devices.map(({ name, available, description }) => (
            <option key={name} value={name} disabled={!available} title={description}>
              {name}
            </option>
          ))}
        </select>
        <p className="faint">{messages.settings.deviceHelp}</p>
        {isLooking && devices.length === 0 && <p role="status">{messages.settings.looking}</p>}
      </div>
      <ul className="devices">
        {devices.map(({ name, description }) => (
          <li key={name}>
            <b>{name}</b>
            <span className="faint">
              {name === current && <b>{messages.settings.current}: </b>}
              {description}
            </span>
          </li>
        ))}
      </ul>
      {(setUp || (fetches && devices.some(({ name, available }) => name === 'native' && !available))) && (
        <NativeTensorFlow />
      )}
      <Choices />
      <Folders />
      <RunBin />
    </Box>
  );
}

function changePreferences(editor: Editor, changes: Partial<Preferences>): Promise<void> {
  return attempt(editor, async () => {
    const { theme, language, device, previews, autosave, memoryShare } = await editor.desktop.writePreferences(changes);
    editor.view.setState({ theme, language, device, previews, autosave, memoryShare });
  });
}

/** Every device: at once what was found last, and then what is found now. `again`: one may have come. */
function useDevices(again: boolean): { readonly devices: readonly DeviceRow[]; readonly isLooking: boolean } {
  const editor = useEditor();
  const [devices, setDevices] = useState<readonly DeviceRow[]>([]);
  const [isLooking, setLooking] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a device may have come
  useEffect(() => {
    setLooking(true);
    void attempt(editor, async () => {
      const known = await editor.desktop.knownDevices();
      setDevices((found) => (found.length > 0 ? found : (known ?? [])));
      setDevices(await editor.desktop.listDevices());
      setLooking(false);
    });
  }, [editor, again]);
  return { devices, isLooking };
}

/** What is kept and shown: switches and the memory for results. */
function Choices() {
  const editor = useEditor();
  const state = useView(({ previews, autosave, memoryShare }) => `${previews} ${autosave} ${memoryShare}`);
  const { previews, autosave, memoryShare } = editor.view.getState();
  const { settings } = messages;
  return (
    <div className="form" key={state}>
      {Object.entries({ previews, autosave }).map(([name, value]) => (
        <label key={name} className="setting-switch">
          <span>
            {settings.switches[name as 'previews'].label}
            <small className="faint">{settings.switches[name as 'previews'].help}</small>
          </span>
          <input
            type="checkbox"
            role="switch"
            className="switch"
            aria-checked={value}
            checked={value}
            onChange={({ target }) => void changePreferences(editor, { [name]: target.checked })}
          />
        </label>
      ))}
      <label htmlFor="memory">{settings.memory}</label>
      <select
        id="memory"
        className="field"
        value={String(memoryShare)}
        onChange={({ target }) => void changePreferences(editor, { memoryShare: Number(target.value) })}
      >
        {[0.1, 0.25, 0.5, 0.75, 0.9].map((share) => (
          <option key={share} value={String(share)}>
            {settings.share(share)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Where models and runs are kept, and buttons that choose another place, where the shell has dialogs. */
function Folders() {
  const editor = useEditor();
  const about = useView((state) => state.about);
  if (!about) return null;
  const choose = (what: 'models' | 'runs') =>
    attempt(editor, async () => {
      const folders = await editor.desktop.chooseFolder(what);
      editor.view.setState({ about: { ...about, folders } });
      await learnModels(editor);
    });
  return (
    <dl className="setting-folders">
      {(['models', 'runs'] as const).map((what) => (
        <div key={what}>
          <dt>{messages.settings.folders[what]}</dt>
          <dd title={about.folders[what]}>{about.folders[what]}</dd>
          {about.dialogs && (
            <button type="button" className="text-button" onClick={() => void choose(what)}>
              {messages.settings.otherFolder(messages.settings.folders[what])}
            </button>
          )}
        </div>
      ))}
    </dl>
  );
}
