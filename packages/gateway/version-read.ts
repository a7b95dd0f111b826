/**
 * `?at=`: a profile as it was, by heads or by time.
 *
 * The answer looks like that of any read; its ETag is the version's own, so it may be kept for as long as
 * the client likes. By heads it is the same in every region that has them; by time it is what this
 * region knows of that moment, and a change that was under way then may join it later.
 */
import type { Request } from "express";
import { send, sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { noSuchProfile } from "./exchange.ts";
import type { Fields } from "./fields.ts";
import { negotiateFormat } from "./media-type.ts";
import { mayLookBack } from "./ownership.ts";
import type { VersionName } from "./past-contract.ts";
import { sendProblem } from "./problem.ts";
import { addProfileHeaders, bodyOf, contentTypeOf } from "./representation.ts";
import { profileIdOf } from "./request.ts";
import { readCondition } from "./validators.ts";

export async function readVersion(
  exchange: Exchange,
  request: Request,
  reply: Reply,
  { at, fields }: { readonly at: VersionName; readonly fields: Fields | undefined },
): Promise<void> {
  const id = profileIdOf(request, reply);
  mayLookBack(reply);
  const format = negotiateFormat(request);
  const condition = readCondition(request.headers);
  await exchange.read(request, reply, {
    ask: (session) => exchange.service.past.version(id, at, session),
    answer(answer, headers) {
      if (answer.kind === "absent") return sendProblem(request, reply, noSuchProfile(), headers);
      const { value: profile } = answer;
      addProfileHeaders(headers, profile, exchange.clock.nowMs(), fields);
      if (condition(profile.etag) === "not-modified") return send(reply, 304, headers);
      headers["Content-Type"] = contentTypeOf(format);
      return sendCoded(
        reply,
        200,
        headers,
        bodyOf(profile, format, exchange.service.schema, fields),
      );
    },
  });
}
