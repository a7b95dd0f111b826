/** `/admin/v1/drain` and `/admin/v1/undrain`: whether clients should be sent to this region. */
import type { Express, Request } from "express";
import { sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { drain, undrain } from "./contract/admin-drain.ts";
import { JSON_TYPE } from "./media-type.ts";
import type { AdminService } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";

export function mountDrainRoutes(app: Express, admin: AdminService): void {
  const setting = (drained: boolean) => async (request: Request, reply: Reply) => {
    await readJsonObject(request, JSON_TYPE);
    admin.setDrained(drained);
    sendJson(reply, 200, { drained });
  };
  mountOperations(app, [
    [drain, setting(true)],
    [undrain, setting(false)],
  ]);
}
