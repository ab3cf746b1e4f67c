/** What `doctor` looks at on this machine: the program, the state folder and the ledger in it. Nothing is made that is not taken away again. */
import { accessSync, constants, existsSync, rmSync, statfsSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../../doctor-report.js';
import { inspectLedger } from '../../ledger/inspect.js';
import { bytes, counted } from '../../progress/format.js';
import { sqliteEngine } from '../../sqlite.js';
import { EXIT } from '../exit-codes.js';
import { packageVersion } from '../version.js';

export function programCheck(): Check {
  const message = `zep-import ${packageVersion()} on Node.js ${process.versions.node} (${process.platform} ${process.arch}, ${sqliteEngine()})`;
  return { name: 'program', verdict: 'ok', message };
}

/** Checks of the state folder; with it whether it is there. */
export function stateChecks(folder: string): readonly Check[] {
  let stats: Stats | undefined;
  try {
    stats = statSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    return [unusable(folder, codeOf(error))];
  }
  if (stats === undefined) return missingFolder(folder);
  if (!stats.isDirectory()) return [unusable(folder, 'a file is in its place')];
  const why = whyUnwritable(folder);
  if (why !== undefined) return [unusable(folder, why)];
  const checks: Check[] = [{ name: 'state', verdict: 'ok', message: `${folder} can be written` }];
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8);
    const hint = `chmod 700 ${folder}`;
    checks.push({ name: 'state', verdict: 'warning', message: `others can look into ${folder} (mode ${mode})`, hint });
  }
  return [...checks, ...diskChecks(folder)];
}

function missingFolder(folder: string): readonly Check[] {
  let above = dirname(folder);
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above);
  try {
    if (!statSync(above).isDirectory()) return [unusable(folder, `${above} is a file`)];
    accessSync(above, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [unusable(folder, `it is not there, and ${above} cannot be written (${codeOf(error)})`)];
  }
  const message = `${folder} is not there yet: the first import makes it`;
  return [{ name: 'state', verdict: 'ok', message }, ...diskChecks(above)];
}

function unusable(folder: string, why: string): Check {
  return {
    name: 'state',
    verdict: 'problem',
    message: `the state folder ${folder} cannot be written: ${why}`,
    hint: 'make it writable, or name another folder with --state-dir',
    exitCode: EXIT.usage,
  };
}

/** Only writing proves that a folder can be written: modes say little about mounts, quotas and containers. */
function whyUnwritable(folder: string): string | undefined {
  const file = join(folder, `.doctor-${process.pid}`);
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
    return undefined;
  } catch (error) {
    return codeOf(error);
  } finally {
    rmSync(file, { force: true });
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOTDIR: 'a file is in its place',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
  };
  return words[code ?? ''] ?? message;
}

const LEAST_BYTES = 50e6;
const COMFORTABLE_BYTES = 1e9;

/** Numbers of file systems in Linux (statfs(2)) on which locks of other machines, or of other processes, are not always seen. */
const DOUBTFUL: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x5346414f: 'AFS',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
  0x01021997: '9P',
  0x65735546: 'FUSE',
  0x786f4256: 'a VirtualBox share',
};
const IN_MEMORY: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' };

function diskChecks(folder: string): readonly Check[] {
  let facts: { readonly type: number; readonly bavail: number; readonly bsize: number };
  try {
    facts = statfsSync(folder);
  } catch {
    return [];
  }
  const free = facts.bavail * facts.bsize;
  return [spaceCheck(folder, free), ...fileSystemChecks(folder, facts.type, process.platform)];
}

/** `free`: bytes that this user may still write. */
export function spaceCheck(folder: string, free: number): Check {
  const message = `${bytes(free)} free in ${folder}`;
  const hint =
    'rejected rows, copies of standard input and sorting need room: make some, or name another folder with --state-dir';
  if (free < LEAST_BYTES) return { name: 'disk', verdict: 'problem', message, hint, exitCode: EXIT.ledger };
  return free < COMFORTABLE_BYTES
    ? { name: 'disk', verdict: 'warning', message, hint }
    : { name: 'disk', verdict: 'ok', message };
}

/** `type` as Linux numbers file systems; elsewhere the numbers mean other things. */
export function fileSystemChecks(folder: string, type: number, platform: NodeJS.Platform): readonly Check[] {
  if (platform !== 'linux') return [];
  const doubtful = DOUBTFUL[type >>> 0];
  if (doubtful !== undefined) {
    return [
      {
        name: 'disk',
        verdict: 'warning',
        message: `${folder} lies on ${doubtful}, where locks of SQLite cannot be trusted`,
        hint: 'name a folder on a local disk with --state-dir',
      },
    ];
  }
  const memory = IN_MEMORY[type >>> 0];
  if (memory === undefined) return [];
  return [
    {
      name: 'disk',
      verdict: 'warning',
      message: `${folder} lies in memory (${memory}): after a restart of the machine nothing is known of earlier imports`,
      hint: 'name a folder on a disk with --state-dir',
    },
  ];
}

export async function ledgerCheck(folder: string): Promise<Check> {
  const path = join(folder, 'ledger.db');
  if (!existsSync(path))
    return { name: 'ledger', verdict: 'ok', message: 'there is none yet: the first import makes it' };
  const found = await inspectLedger(path);
  const broken = (message: string, hint: string): Check => {
    return { name: 'ledger', verdict: 'problem', message, hint, exitCode: EXIT.ledger };
  };
  switch (found.kind) {
    case 'whole': {
      const open = found.unfinished === 0 ? '' : `, ${found.unfinished} unfinished (zep-import runs)`;
      return { name: 'ledger', verdict: 'ok', message: `${path} is whole: ${counted(found.runs, 'run')}${open}` };
    }
    case 'older':
      return {
        name: 'ledger',
        verdict: 'ok',
        message: `${path} is whole, of an older version: the next import brings it up to date`,
      };
    case 'newer':
      return broken(
        `${path} was written by a newer zep-import (ledger version ${found.version})`,
        'update zep-import, or name another folder with --state-dir',
      );
    case 'foreign':
      return broken(`${path} is a database of another program`, 'name another folder with --state-dir');
    case 'damaged':
      return broken(
        `${path} is damaged: ${found.why}`,
        'restore it from a copy, or name another folder with --state-dir',
      );
    case 'unreadable':
      return {
        name: 'ledger',
        verdict: 'problem',
        message: `${path} cannot be read: ${found.why}`,
        hint: 'make the file and its folder readable and writable for you',
        exitCode: EXIT.usage,
      };
  }
}
