import type { RunRecord } from '../../electron/host/ipc.ts';
import { formatDuration } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import { Box } from './Box.tsx';

/** What a run wrote down of itself: machine, nodes with their times, remarks, and problems with their causes. */
export function RunLog({ folder }: { folder: string }) {
  const record = useRead(folder, (desktop) => desktop.readRun(folder));
  return (
    <Box title={messages.log.name} wide>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keys */}
      <pre className="log" tabIndex={0}>
        {record && writeLog(folder, record)}
      </pre>
    </Box>
  );
}

function writeLog(folder: string, record: RunRecord): string {
  const { device, versions, nodes, remarks, problems, state, started } = record;
  const lines = [
    `${folder}: ${state}, ${started}`,
    `${device.name}: ${device.description}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
    ...Object.entries(nodes).map(([id, node]) =>
      [id, node.state, node.ms === undefined ? '' : formatDuration(node.ms)].filter(Boolean).join('  '),
    ),
    ...remarks.map(({ node, text }) => `\n${node}: ${text}`),
    ...problems.map(({ code, message, remedy, trace }) =>
      ['', `${code}  ${message}`, remedy, trace].filter((part) => part !== undefined).join('\n'),
    ),
  ];
  return lines.join('\n');
}
