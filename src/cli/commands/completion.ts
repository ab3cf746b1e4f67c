/** `completion bash|zsh|fish`: the script that makes a shell know the commands, flags and values of this program. */
import { SERVE_FLAGS } from '../../emulator/options.js';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { completedCommands } from '../completion/tree.js';
import { zshScript } from '../completion/zsh.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { createProgram } from '../main.js';
import type { Values } from '../options.js';

export async function completion([shell]: readonly string[], _values: Values, io: Io): Promise<void> {
  const commands = completedCommands(createProgram(io, SERVE_FLAGS));
  const script = shell === 'zsh' ? zshScript : shell === 'fish' ? fishScript : bashScript;
  await print(io.stdout, script(commands));
  io.exitCode = EXIT.ok;
}
