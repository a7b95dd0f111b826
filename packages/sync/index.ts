/** How replicas converge: one step function, and the links it speaks over. */
export * from "./effects.ts";
export type { KnownHoldings } from "./announced.ts";
export type { Announcement, Message } from "./messages.ts";
export type { ComparisonCounts } from "./comparison-verdicts.ts";
export type { LinkTls } from "./peer-certificate.ts";
export { decodeFrame, encodeMessage } from "./codec.ts";
export { helloDigest, proofOf } from "./handshake.ts";
export type { Loss, LossCause } from "./loss.ts";
export type { PeerState } from "./peer-table.ts";
export { SessionTokens } from "./session-token.ts";
export { Sync } from "./sync.ts";
export type { PeerStatus } from "./sync.ts";
export type { CutView, DocumentSum, NodeSum, SyncView } from "./sync-view.ts";
export { MemoryNetwork, MemoryTransport } from "./memory-network.ts";
export * from "./transport.ts";
export { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from "./version.ts";
export type { VersionRange } from "./version.ts";
export { PEER_PATH, WebSocketTransport } from "./websocket-transport.ts";
