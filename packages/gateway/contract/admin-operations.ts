/** The operations of the admin listener, in groups. Health is described with the public ones. */
import {
  comparePeer,
  getAboveCut,
  getHoldings,
  getKeys,
  getNode,
  getShardSums,
  getStatement,
} from "./admin-truth.ts";
import { getAudit } from "./admin-audit.ts";
import {
  dropQuarantined,
  getQuarantined,
  getVerification,
  listQuarantine,
  retryQuarantined,
  startVerification,
} from "./admin-care.ts";
import { drain, undrain } from "./admin-drain.ts";
import {
  getDocumentChanges,
  getDocumentContent,
  getDocumentFacts,
  listActors,
  previewMerge,
} from "./admin-documents.ts";
import {
  getBuild,
  getConfig,
  getMetrics,
  getPeers,
  getStatus,
  setPeerState,
} from "./admin-region.ts";
import type { Operation } from "./operation.ts";
import type { OperationGroup } from "./operations.ts";

export const ADMIN_GROUPS: readonly OperationGroup[] = [
  {
    name: "The truth",
    description: "What a region holds at a cut, for whoever compares regions.",
    operations: [
      getHoldings,
      getShardSums,
      getNode,
      getAboveCut,
      getStatement,
      getKeys,
      comparePeer,
    ],
  },
  {
    name: "The region",
    description: "How it is, its links, whether clients are sent here, and who changed what.",
    operations: [
      getStatus,
      getPeers,
      setPeerState,
      drain,
      undrain,
      getAudit,
      getConfig,
      getBuild,
      getMetrics,
    ],
  },
  {
    name: "Care",
    description: "What was set aside, and looking for damage.",
    operations: [
      listQuarantine,
      getQuarantined,
      dropQuarantined,
      retryQuarantined,
      getVerification,
      startVerification,
    ],
  },
  {
    name: "One document",
    description: "What a region has of it, and what a merge would make of it.",
    operations: [
      getDocumentFacts,
      getDocumentContent,
      getDocumentChanges,
      previewMerge,
      listActors,
    ],
  },
];

export const ADMIN_OPERATIONS: ReadonlySet<Operation> = new Set(
  ADMIN_GROUPS.flatMap(({ operations }) => operations),
);
