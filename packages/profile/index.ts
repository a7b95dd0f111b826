/** What a profile is: its JSON, its schema, its document, and what may be asked of it. */

// values
export type { JsonArray, JsonObject, JsonScalar, JsonValue } from "./json.ts";
export { isJsonArray, isJsonObject, isJsonScalar, parseJson, parseJsonObject } from "./json.ts";
export { canonicalBytes, canonicalJson, sameJson } from "./canonical.ts";
export { childPointer, parsePointer } from "./pointer.ts";
export { mergePatch } from "./merge-patch.ts";

// schema and edits
export type { CrdtKind, ProfileSchema, SchemaNode } from "./schema.ts";
export { parseProfileSchema } from "./schema.ts";
export { schemaVersions } from "./schema-versions.ts";
export { socialProfileSchema } from "./social-profile.ts";
export type { ProfileEdit } from "./edit.ts";
export type { PatchOperation } from "./json-patch.ts";
export { diffJson } from "./json-diff.ts";
export type { ValuePatch } from "./value-patches.ts";
export { diffPatches } from "./value-patches.ts";
export type { Choice, NativeOperation } from "./native-operation.ts";

// documents and changes
export type { ChangeChunk, ChangeHead, ChunkFault } from "./change-chunk.ts";
export type { Authorship } from "./authorship.ts";
export { authorshipMessage, parseAuthorship } from "./authorship.ts";
export { parseChangeChunk, readChangeHead } from "./change-chunk.ts";
export { splitChunks } from "./chunk-run.ts";
export type { ContainerChange, ContainerPath } from "./containers.ts";
export type { DocumentBytes } from "./codec.ts";
export { ProfileCodec } from "./codec.ts";
export type { EditContext, EditResult, Identity, RenderedProfile } from "./open-profile.ts";
export { OpenProfile } from "./open-profile.ts";
export type { ChangeMeta } from "./document-record.ts";
export { Inspection } from "./inspection.ts";
export type { VersionView } from "./inspection.ts";
export type { ConflictValue, ProfileConflict } from "./conflict-list.ts";
export type { Explanation, ExplainedPart } from "./explanation.ts";
export { DocumentError } from "./document-error.ts";
