import type { KnownModel, Model, ModelList } from '../../electron/host/ipc.ts';
import type { ModelKind } from '../../nodes/params.ts';
import { formatBytes, nameModel } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import type { Choice } from './ChoiceList.tsx';

/** What choosing one of a field's choices does. */
export type ModelChoice = Choice & {
  readonly act: 'use' | 'pull' | 'browse';
  /** The model, as a graph writes it; empty for `browse`. */
  readonly model: string;
};

/**
 * What a field can be given that takes a kind of model: first what is on this machine, then what is published, then another
 * place. `typed` is what the user writes, undefined while the field shows its value; `browses`: the shell has dialogs.
 */
export function listModelChoices(
  list: ModelList | undefined,
  takes: ModelKind,
  typed: string | undefined,
  browses: boolean,
): ModelChoice[] {
  const installed = (list?.models ?? []).filter(({ kind }) => kind === takes);
  const here = new Set(installed.map(({ name }) => name));
  const known = (list?.known ?? []).filter(({ kind, name }) => kind === takes && !here.has(name));
  const query = typed?.trim() ?? '';
  const fits = ({ label, detail }: Choice) => `${label} ${detail ?? ''}`.toLowerCase().includes(query.toLowerCase());
  const listed = [...installed.map(installedChoice), ...known.map(knownChoice)].filter(fits);
  const group = messages.models.other;
  const free = query !== '' && !here.has(query) && !known.some(({ name }) => name === query);
  return [
    ...listed,
    ...(free
      ? [{ key: 'typed', label: messages.models.use(query), group, act: 'use', model: query } satisfies ModelChoice]
      : []),
    ...(browses
      ? [{ key: 'browse', label: messages.models.browse, group, act: 'browse', model: '' } satisfies ModelChoice]
      : []),
  ];
}

function installedChoice({ name, family, from, bytes, path, steps }: Model): ModelChoice {
  const what = steps === undefined ? family : messages.models.steps(steps);
  const detail =
    from === 'built in'
      ? [what, messages.models.from[from], formatBytes(bytes)]
      : [family, messages.models.from[from], formatBytes(bytes), path];
  return {
    key: `use ${name}`,
    label: nameModel(name),
    detail: detail.filter((part) => part !== undefined).join(' · '),
    group: messages.models.here,
    act: 'use',
    model: name,
  };
}

function knownChoice({ name, family, bytes, licence }: KnownModel): ModelChoice {
  return {
    key: `pull ${name}`,
    label: name,
    detail: `${family} · ${formatBytes(bytes)} · ${licence ?? messages.models.noLicence}`,
    group: messages.models.toDownload,
    act: 'pull',
    model: name,
  };
}
