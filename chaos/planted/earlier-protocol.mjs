// Makes a process speak the protocol before the newest, as the release before this one does.
//
// Loaded by `node --import` into the processes of one scenario, never by the product. Older releases do not
// exist yet; when they do, the scenario starts them instead and this file goes.
import { VERSIONS_SPOKEN } from "../../packages/sync/version.ts";

VERSIONS_SPOKEN.max -= 1;
