/**
 * How a certificate names a region: one URI among its subject alternative names.
 *
 *     atoll://CLUSTER/region/NAME          atoll://profiles/region/us-east-1
 *     atoll://CLUSTER                      the cluster itself: the certificate of its CA
 *
 * CLUSTER is the cluster's id, percent-encoded but for `A-Z a-z 0-9 - . _ ~`, because an id is any text
 * and a URI is not. The cluster is part of the name: a CA that serves two clusters must not let a
 * region of one speak for its namesake in the other.
 */
import type { RegionName } from "./ids.ts";
import { parseRegionName } from "./ids.ts";

export function clusterUri(clusterId: string): string {
  const encoded = encodeURIComponent(clusterId.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `atoll://${encoded}`;
}

export function regionUri(clusterId: string, region: RegionName): string {
  return `${clusterUri(clusterId)}/region/${region}`;
}

/** The region of this cluster that a URI names; undefined for every other URI. */
export function parseRegionUri(uri: string, clusterId: string): RegionName | undefined {
  const prefix = `${clusterUri(clusterId)}/region/`;
  return uri.startsWith(prefix) ? parseRegionName(uri.slice(prefix.length)) : undefined;
}

/**
 * The region that a certificate names, by the subject alternative names as Node tells them. Undefined
 * for a certificate of another cluster, of no region, or of several: who is everybody is nobody.
 */
export function regionOfCertificate(
  { subjectAltName }: { readonly subjectAltName: string | undefined },
  clusterId: string,
): RegionName | undefined {
  // Node escapes a comma inside a name, so that one name cannot look like two.
  const names = subjectAltName?.split(", ") ?? [];
  const regions = names
    .filter((name) => name.startsWith("URI:"))
    .map((name) => parseRegionUri(name.slice("URI:".length), clusterId))
    .filter((region) => region !== undefined);
  return regions.length === 1 ? regions[0] : undefined;
}

/** The id of the cluster whose URI this is; undefined for every other URI. */
export function parseClusterUri(uri: string): string | undefined {
  const encoded = /^atoll:\/\/([^/]+)$/.exec(uri)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const clusterId = decodeURIComponent(encoded);
    return clusterUri(clusterId) === uri ? clusterId : undefined;
  } catch {
    return undefined; // a broken percent sign
  }
}
