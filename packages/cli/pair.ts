/** Two regions that are asked about one cut. */
import { AdminClient } from "./admin-client.ts";
import type { Cut } from "./common-cut.ts";
import { commonCut } from "./common-cut.ts";
import type { Member } from "./fleet.ts";
import { TruthClient } from "./truth-client.ts";

export interface AskedRegion {
  readonly name: string;
  readonly admin: AdminClient;
  readonly truth: TruthClient;
}

/** Runs `work` with a client for each of them. */
export async function withRegions<T>(
  members: readonly (Member & { readonly name: string })[],
  work: (regions: readonly AskedRegion[]) => Promise<T>,
): Promise<T> {
  const regions = members.map(({ name, admin: endpoint, credential }) => {
    const admin = new AdminClient(endpoint, credential);
    return { name, admin, truth: new TruthClient(admin) };
  });
  try {
    return await work(regions);
  } finally {
    for (const { admin } of regions) admin.close();
  }
}

/** Where both are. */
export async function cutOf(pair: readonly [AskedRegion, AskedRegion]): Promise<Cut> {
  const holdings = await Promise.all(pair.map(({ truth }) => truth.holdings()));
  return commonCut(holdings.map(({ held }) => held));
}

export function pairsOf<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((one, i) => items.slice(i + 1).map((other): [T, T] => [one, other]));
}
