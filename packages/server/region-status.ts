/**
 * What `GET /admin/v1/status` says, as its readers rely on it: the table of the local cluster, `atoll
 * status`, the demo.
 *
 * Readers and writer may be of different versions, so unknown fields are kept and only those that are
 * used here are required.
 */
import { z } from "zod";
import { AtollError } from "@atoll/core";
import { commandCredential } from "./config.ts";

const peerStatus = z.looseObject({
  region: z.string(),
  /** connecting, handshake, live, paused or down. */
  state: z.string(),
  lagMs: z.number().nullable().optional(),
  /** Entries that they have and we lack; null when nothing is known. */
  behind: z.number().nullable(),
  /** Entries that we have and they have not confirmed. */
  ahead: z.number().nullable(),
  rttMs: z.number().nullable().optional(),
  /** How long ago anything came from there, a failed attempt included. */
  lastHeardMs: z.number().nullable().default(null),
  /** Since when it is live, or is not any more. RFC 3339. */
  since: z.string().nullable().default(null),
  /** How the last live link ended. */
  loss: z
    .object({ cause: z.string(), detail: z.string(), agoMs: z.number() })
    .nullable()
    .default(null),
  lastFailure: z.string().nullable().default(null),
  comparedMs: z.number().nullable().default(null),
  /** equal, differs or unknown. */
  root: z.string(),
});

const regionStatus = z.looseObject({
  region: z.string(),
  version: z.string(),
  incarnation: z.number(),
  origin: z.string().optional(),
  startedAt: z.string().optional(),
  ready: z.boolean(),
  drained: z.boolean().default(false),
  counts: z.looseObject({
    documents: z.number(),
    /** Documents that are somebody's: the canaries' are not. Of later versions only. */
    profiles: z.number().optional(),
    changes: z.number(),
    pending: z.number(),
    quarantined: z.number(),
  }),
  /** Hexadecimal: the sum over all shards. */
  root: z.string(),
  peers: z.array(peerStatus),
  antiEntropy: z.looseObject({ repairs: z.number() }).optional(),
  /** By origin: entries held without gaps. */
  held: z.record(z.string(), z.number()).default({}),
  /** Per region: everything it wrote up to then is here. RFC 3339. */
  coverage: z.record(z.string(), z.string()),
});

export type PeerStatus = z.infer<typeof peerStatus>;
export type RegionStatus = z.infer<typeof regionStatus>;

/** Undefined for anything that is not a status. */
export function parseRegionStatus(value: unknown): RegionStatus | undefined {
  const parsed = regionStatus.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/**
 * Undefined when nobody answers, or something else than a status. Rejects with `unauthenticated` or
 * `forbidden` when the region does not let us see it: that is no outage.
 */
export async function fetchRegionStatus(
  adminUrl: string,
  timeoutMs: number,
  credential = commandCredential(),
): Promise<RegionStatus | undefined> {
  let answer: Response;
  try {
    answer = await fetch(new URL("/admin/v1/status", adminUrl), {
      signal: AbortSignal.timeout(timeoutMs),
      headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` },
    });
  } catch {
    return undefined;
  }
  if (answer.status === 401 || answer.status === 403) {
    const code = answer.status === 401 ? "unauthenticated" : "forbidden";
    throw new AtollError(code, `${adminUrl} does not let you see its status`, {
      mend: "Set ATOLL_TOKEN to an API key or a token with the role operator or auditor.",
    });
  }
  try {
    return parseRegionStatus(await answer.json());
  } catch {
    return undefined;
  }
}
