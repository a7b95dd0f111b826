/** HTTP for a region: two applications, the server for them, and the contracts they ask for. */
export { createAdminApp, createPublicApp } from "./app.ts";
export type { AdminAppDeps, PublicAppDeps } from "./app.ts";
export { createHttpServer } from "./http-server.ts";
export { CLIENT_ADDRESS, HandOver } from "./hand-over.ts";
export { createReadingApp } from "./reading-app.ts";
export type * from "./past-contract.ts";
export type * from "./profile-service.ts";
export { ApiKeys, makeApiKey } from "./api-keys.ts";
export type { ApiKeyRecord } from "./api-keys.ts";
export { Bearer } from "./bearer.ts";
export { Credentials } from "./credentials.ts";
export { Gatekeeper } from "./gatekeeper.ts";
export type { GatekeeperOptions } from "./gatekeeper.ts";
export type { RateLimits, Rates } from "./rate-limits.ts";
export { LoopLag } from "./loop-lag.ts";
export type { Rate } from "./token-bucket.ts";
