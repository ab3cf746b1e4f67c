/** `serve`: the local server in the foreground, until a signal. Its flags are the emulator's own table. */
import { startLocalServer } from '../../emulator/index.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
