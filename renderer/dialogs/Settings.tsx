import { useEffect, useState } from 'react';
import type { DeviceRow } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';
import { NativeTensorFlow } from './NativeTensorFlow.tsx';
import { RunBin } from './RunBin.tsx';

/** The theme of the window and the device that computes. */
export function Settings() {
  const editor = useEditor();
  const theme = useView((state) => state.theme);
  const device = useView((state) => state.device);
  const current = useView(({ engine }) => (engine.state === 'ready' ? engine.device.name : undefined));
  const setUp = useView(({ native }) => native?.state);
  const fetches = useView(({ about }) => about?.fetchesNative);
  const [devices, setDevices] = useState<readonly DeviceRow[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a device may have come
  useEffect(
    () => void attempt(editor, async () => setDevices(await editor.desktop.listDevices())),
    [editor, setUp === 'done'],
  );
  const change = (changes: Parameters<typeof editor.desktop.writePreferences>[0]) =>
    attempt(editor, async () => {
      const { theme, device } = await editor.desktop.writePreferences(changes);
      editor.view.setState({ theme, device });
    });
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
      <RunBin />
    </Box>
  );
}
