/** All doors that are fuzzed. */
import type { FuzzTarget } from "./target.ts";
import { backupTarget } from "./target-backup.ts";
import { changeTarget } from "./target-change.ts";
import { documentTarget } from "./target-document.ts";
import { frameTarget } from "./target-frame.ts";
import { restTarget } from "./target-rest.ts";
import { tokenTarget } from "./target-token.ts";

export const TARGETS: readonly FuzzTarget[] = [
  changeTarget,
  documentTarget,
  frameTarget,
  restTarget,
  tokenTarget,
  backupTarget,
];
