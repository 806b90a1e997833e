import type { RunRecord } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import { listParams } from './graphParams.ts';

/** Every param that a run was made with. */
export function RunParams({ record }: { record: RunRecord }) {
  return (
    <table className="scores">
      <tbody>
        {Object.entries(listParams(record.graph.document)).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">{messages.settings.device}</th>
          <td>{record.device.description}</td>
        </tr>
        {Object.entries(record.versions).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
