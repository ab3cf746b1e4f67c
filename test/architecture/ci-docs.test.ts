/** The jobs of docs/ci-and-cron.md can be copied: YAML parses, units have their sections, and every command line is one that the program takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { EXIT_MEANINGS } from '../../src/cli/exit-codes.js';
import { FLAGS, variableOf, type Flag } from '../../src/cli/flags.js';
import { NOTIFY_SECRET } from '../../src/cli/notify.js';
import { blocksOf, commandLines, refused, words } from '../support/command-lines.js';
import { readAction } from '../support/steps.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/ci-and-cron.md'), 'utf8');
const action = readAction(join(root, 'action.yml'));

const blocks = blocksOf(page);
const inLanguage = (language: string): string[] =>
  blocks.filter((block) => block.language === language).map(({ text }) => text);

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly uses?: string; readonly with?: Record<string, string> }[] }>
  >;
}

interface CronJob {
  readonly kind: string;
  readonly spec: {
    readonly concurrencyPolicy: string;
    readonly jobTemplate: {
      readonly spec: {
        readonly template: {
          readonly spec: {
            readonly containers: readonly {
              readonly args: readonly string[];
              readonly volumeMounts: readonly { readonly name: string }[];
            }[];
            readonly volumes: readonly { readonly name: string }[];
          };
        };
      };
    };
  };
}

const documents = inLanguage('yaml').flatMap((text) => parseAllDocuments(text, { version: '1.2' }));
const values = documents.map((document) => document.toJS() as Record<string, unknown>);

describe('docs/ci-and-cron.md', () => {
  it('every block of YAML parses without a warning', () => {
    expect(documents.length).toBeGreaterThanOrEqual(5);
    for (const { errors, warnings } of documents) expect([...errors, ...warnings]).toEqual([]);
  });

  it('every command line is one that the program takes', () => {
    const lines = commandLines(page);
    expect(lines.length).toBeGreaterThanOrEqual(12);
    for (const line of lines) expect(refused(words(line)), line).toEqual([]);
    expect(refused(['run', '--no-such-flag'])).not.toEqual([]);
    expect(() => refused(['run', '--annotations', 'gitlab'])).toThrow();
  });

  it('uses the action with inputs that it has, and with flags that the program takes', () => {
    const used = values
      .flatMap((value) => Object.values((value as unknown as Workflow).jobs ?? {}))
      .flatMap(({ steps }) => steps)
      .filter(({ uses = '' }) => uses.startsWith('getzep/zep-import@'));
    expect(used).toHaveLength(1);
    for (const { with: inputs = {} } of used) {
      for (const name of Object.keys(inputs)) expect(Object.keys(action.inputs)).toContain(name);
      const line = [
        'run',
        ...words(inputs['args'] ?? ''),
        '-m',
        inputs['mapping'] ?? '',
        '--',
        ...(inputs['sources'] ?? '').split('\n'),
      ];
      expect(refused(line)).toEqual([]);
    }
    const outputs = [...page.matchAll(/steps\.import\.outputs\.([\w-]+)/g)].map(([, name]) => name);
    for (const name of outputs) expect(Object.keys(action.outputs)).toContain(name);
  });

  it('the job of Kubernetes runs one at a time, mounts what it names, and its arguments are taken', () => {
    const jobs = values.filter(({ kind }) => kind === 'CronJob') as unknown as CronJob[];
    expect(jobs).toHaveLength(1);
    for (const { spec } of jobs) {
      const { containers, volumes } = spec.jobTemplate.spec.template.spec;
      expect(spec.concurrencyPolicy).toBe('Forbid');
      for (const { args, volumeMounts } of containers) {
        expect(refused(args)).toEqual([]);
        expect(volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }) => name).sort());
      }
    }
  });

  it('units of systemd have their sections, and settings of the form NAME=VALUE', () => {
    const [service = '', timer = '', ...others] = inLanguage('ini');
    expect(others).toEqual([]);
    const sections = (text: string): string[] => [...text.matchAll(/^\[(\w+)\]$/gm)].map(([, name = '']) => name);
    expect(sections(service)).toEqual(['Unit', 'Service']);
    expect(sections(timer)).toEqual(['Unit', 'Timer', 'Install']);
    for (const line of `${service}${timer}`.split('\n')) expect(line).toMatch(/^$|^#|^\[\w+\]$|^[A-Z]\w*=/);
    for (const setting of [
      'Type=oneshot',
      'StateDirectory=zep-import',
      'LoadCredential=api-key:',
      'ProtectSystem=strict',
    ]) {
      expect(service).toContain(setting);
    }
  });

  it('lines of cron have five times, and no per cent sign, which cron takes for a line end', () => {
    const lines = inLanguage('crontab').flatMap((text) =>
      text.split('\n').filter((line) => line !== '' && !/^[A-Z]+=/.test(line)),
    );
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toMatch(/^(?:[\d*]+ ){5} /);
      expect(line).not.toContain('%');
    }
  });

  it('every variable is one of the program', () => {
    const known = new Set([...Object.values(FLAGS).map((flag: Flag) => variableOf(flag)), NOTIFY_SECRET]);
    for (const [name] of page.matchAll(/ZEP_IMPORT_\w+/g)) expect(known).toContain(name);
  });

  it('says of every exit code what to do', () => {
    const part = page.slice(page.indexOf('## What to alert on'));
    const told = [...part.matchAll(/^\| ([\d, ]+?) +\|/gm)].flatMap(([, codes = '']) => codes.split(', ').map(Number));
    expect([...told].sort((a, b) => a - b)).toEqual(EXIT_MEANINGS.map(([code]) => code).sort((a, b) => a - b));
  });
});
