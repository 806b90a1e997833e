import { describe, expect, it } from 'vitest';
import { gatherLicences, licenceText } from '../../build/gatherLicences.ts';
import { packageFolder } from '../../electron/files/folders.ts';

describe('the licences of what the program is made of', () => {
  const licences = gatherLicences(packageFolder);

  it('let others use it', () => {
    expect(licences.length).toBeGreaterThan(30);
    expect(licences.filter(({ allowed }) => !allowed).map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  });

  it('are in one text, with those of the program, its models and its vocabulary', () => {
    const text = licenceText(packageFolder);
    expect(text).toContain('Apache License');
    expect(text).toContain('Built-in models (world');
    expect(text).toContain('Copyright (c) 2021 OpenAI');
    for (const { name, version, licence } of licences) expect(text).toContain(`${name} ${version} (${licence})`);
  });
});
