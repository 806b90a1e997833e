import { VERSION } from './document.ts';

type RawDocument = Readonly<Record<string, unknown>>;

/** Turns documents of one version into the next. */
interface Migration {
  /** What it brings, in words joined by dashes; never changed once released. */
  readonly name: string;
  /** The version it starts from; it ends at `from + 1`. */
  readonly from: number;
  migrate(document: RawDocument): RawDocument;
}

/** Every migration from version 1 to `VERSION`, in order; append only. */
export const migrations = checkMigrations(
  [{ name: 'subgraphs-reroutes-colours', from: 1, migrate: (document) => document }],
  VERSION,
);

/**
 * The list itself, where it leads from version 1 to `version` without gaps and each migration has a name of its own.
 * Throws a plain Error otherwise: a mistake in the program, found as soon as it starts.
 */
export function checkMigrations(list: readonly Migration[], version: number): readonly Migration[] {
  for (let from = 1; from < version; from++)
    if (list[from - 1]?.from !== from) throw new Error(`There is no migration from document version ${from}.`);
  if (list.length !== version - 1) throw new Error(`A migration leads beyond document version ${version}.`);
  const names = new Set<string>();
  for (const { name } of list) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new Error(`"${name}" cannot be the name of a migration.`);
    if (names.has(name)) throw new Error(`Two migrations are called "${name}".`);
    names.add(name);
  }
  return list;
}

/** Brings a parsed document from its version up to `version`, at most that to which `list` leads. */
export function migrateDocument(document: RawDocument, version: number, list = migrations): RawDocument {
  let migrated = document;
  for (const { from, migrate } of list.slice((document.version as number) - 1, version - 1))
    migrated = { ...migrate(migrated), version: from + 1 };
  return migrated;
}
