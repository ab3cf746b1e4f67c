/** A folder that is a file system of its own: one that is soon full, or one that takes nothing. Needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MountedFolder {
  /** Takes all the room that is left. */
  fill(): void;
  makeRoom(): void;
  close(): void;
}

export type MountOptions = { readonly bytes: number } | { readonly readOnly: true };

/** Mounts at `path`, which is made; why that is not possible here, as a sentence, otherwise. */
export function mountedFolder(path: string, options: MountOptions): MountedFolder | string {
  mkdirSync(path, { recursive: true });
  const how = 'bytes' in options ? `size=${options.bytes}` : 'ro';
  try {
    asRoot(['mount', '-t', 'tmpfs', '-o', `${how},mode=0777`, 'none', path]);
  } catch (error) {
    return `no file system can be mounted here (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`;
  }
  const filler = join(path, 'filler');
  return {
    fill() {
      // Others write at the same time: until not a byte fits any more.
      for (let rounds = 0; rounds < 20; rounds++) {
        const { bavail, bsize } = statfsSync(path);
        if (bavail === 0) return;
        try {
          writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: 'a' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    makeRoom: () => rmSync(filler, { force: true }),
    close: () => asRoot(['umount', '--lazy', path]),
  };
}

function asRoot([program = '', ...args]: readonly string[]): void {
  const isRoot = process.getuid?.() === 0;
  execFileSync(isRoot ? program : 'sudo', isRoot ? args : ['-n', program, ...args], { stdio: 'pipe' });
}
