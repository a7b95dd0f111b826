/** The process, as the command uses it. The composition root is loaded by `serve` alone. */
export type { Address } from "./address.ts";
export { addressText, parseAddress } from "./address.ts";
export { auditReport } from "./audit-report.ts";
export { createBackup, restoreBackup, verifyBackup } from "./backup/lazy.ts";
export type { BackupProgress, BackupStage } from "./backup/progress.ts";
export type { BackupReport } from "./backup/verify.ts";
export { configVariables } from "./config-environment.ts";
export { checkRegionConfig } from "./check-config.ts";
export type { LogLevel, RegionConfig } from "./config.ts";
export {
  commandCredential,
  configFaultLine,
  configFileFromEnvironment,
  contextsPath,
  environmentWithoutAtoll,
  loadRegionConfig,
  terminalPreferences,
} from "./config.ts";
export type { OperatorContext, OperatorContexts } from "./contexts.ts";
export { contextCredential, readContexts, writeContexts } from "./contexts.ts";
export {
  actorsReport,
  documentContentReport,
  documentFactsReport,
  mergePreviewReport,
} from "./document-report.ts";
export type {
  ActorsReport,
  ConflictReport,
  DocumentContentReport,
  DocumentFactsReport,
  MergePreviewReport,
} from "./document-report.ts";
export type { LocalCluster, LocalRegion } from "./local-cluster.ts";
export { startLocalCluster } from "./local-cluster.ts";
export { findFreeBasePort } from "./local-preflight.ts";
export type { LocalRegionPlan } from "./local-plan.ts";
export { LOCAL_BASE_PORT_DEFAULT, LOCAL_REGIONS, planLocalCluster } from "./local-plan.ts";
export { parseCertificates, parsePrivateKey } from "./pem.ts";
export type { QuarantineListing, RetryAnswer } from "./quarantine-report.ts";
export { parseQuarantineListing, parseRetryAnswer } from "./quarantine-report.ts";
export type { PeerStatus, RegionStatus } from "./region-status.ts";
export { fetchRegionStatus, parseRegionStatus } from "./region-status.ts";
export { EXIT_CRASHED, serve } from "./serve.ts";
export type { StopRequest } from "./stop-request.ts";
export { hearStopRequest } from "./stop-request.ts";
export type { VerifyReport } from "./verify-report.ts";
export { parseVerifyReport } from "./verify-report.ts";
export {
  aboveReport,
  holdingsReport,
  keysReport,
  nodeReport,
  shardsReport,
  statementReport,
} from "./truth-report.ts";
export type {
  AboveReport,
  HoldingsReport,
  KeysReport,
  NodeReport,
  ShardsReport,
} from "./truth-report.ts";
export type { SignedStatement, Statement } from "./statement.ts";
export { StatementKeys, isSignedBy } from "./statement.ts";
export { VERSION } from "./version.ts";
export { newApiKey } from "./new-api-key.ts";
