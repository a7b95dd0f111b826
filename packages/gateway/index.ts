/** HTTP for a region: two applications, the server for them, and the contracts they ask for. */
export { createAdminApp, createPublicApp } from "./app.ts";
export type { AdminAppDeps, PublicAppDeps } from "./app.ts";
export { createHttpServer } from "./http-server.ts";
export type * from "./past-contract.ts";
export type * from "./profile-service.ts";
