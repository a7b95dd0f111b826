/**
 * The name under which a genesis is constant.
 *
 * The genesis makes an empty map for a declared map and for a declared set alike, so its operations
 * do not say how its containers are to be read. Its message does: it names the version of the
 * layout and a digest of the declared kinds. Replicas that would read a document differently
 * therefore have different genesis hashes, and their handshake refuses.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "./canonical.ts";
import type { JsonValue } from "./json.ts";
import { setMember } from "./json.ts";
import type { SchemaNode } from "./schema.ts";

const LAYOUT_VERSION = 1;
const DIGEST_CHARS = 16;

export function genesisMessage(root: SchemaNode): string {
  const digest = hash("sha256", canonicalJson(declaredKinds(root)), "hex");
  return `atoll ${LAYOUT_VERSION} ${digest.slice(0, DIGEST_CHARS)}`;
}

/** Maps as objects, everything else by the name of its kind. */
function declaredKinds(node: SchemaNode): JsonValue {
  if (node.kind !== "map") return node.kind;
  const kinds: Record<string, JsonValue> = {};
  for (const [name, child] of node.members) {
    if (child.inGenesis) setMember(kinds, name, declaredKinds(child));
  }
  return kinds;
}
