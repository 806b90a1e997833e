type RawDocument = Readonly<Record<string, unknown>>;

/** Turns documents of one version into the next. */
export interface Migration {
  /** What changed, in a few words. */
  readonly name: string;
  /** The version it starts from; it ends at `from + 1`. */
  readonly from: number;
  migrate(document: RawDocument): RawDocument;
}

/** Every migration since version 1, in order, without gaps; append only. */
export const migrations: readonly Migration[] = [
  { name: 'subgraphs, reroutes and colours may be there', from: 1, migrate: (document) => document },
];

/** Brings a parsed document from its version up to `version`. Throws a plain Error where the list has a gap. */
export function migrateDocument(document: RawDocument, version: number, list = migrations): RawDocument {
  let migrated = document;
  for (let from = document.version as number; from < version; from++) {
    const migration = list.find((candidate) => candidate.from === from);
    if (!migration) throw new Error(`There is no migration from document version ${from}.`);
    migrated = { ...migration.migrate(migrated), version: from + 1 };
  }
  return migrated;
}
