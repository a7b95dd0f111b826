/**
 * Every bound in one place: what it is measured in, why it has this size, and what happens there.
 *
 * Relations between bounds are asserted at load, so that a change of one that breaks another never
 * starts.
 */
import { assert } from "./assert.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

// ── A request ────────────────────────────────────────────────────────────────────────────────────
/** Body of a write. A profile is a few KiB; 64 KiB is room without being a file store. → 413 */
export const BODY_BYTES_MAX = 64 * KIB;
/** Levels of nesting. Automerge's module dies near 1,500; people stop near 5. → 422 */
export const JSON_DEPTH_MAX = 16;
/** Object members and array items in one body, all levels together. → 422 */
export const JSON_NODES_MAX = 4_000;
/** UTF-8 bytes of one member name. → 422 */
export const JSON_KEY_BYTES_MAX = 256;
/** Bytes of a profile's canonical JSON after a write. The view is held in memory. → 422 */
export const PROFILE_BYTES_MAX = 256 * KIB;
/** Faults named in one answer. The rest shows when these are mended. */
export const FAULTS_MAX = 100;
/** How long a session waits for its region to catch up when the client names no time. */
export const SESSION_WAIT_MS_DEFAULT = 250;
/** What `Prefer: wait` may ask for at most; more is cut to this. */
export const SESSION_WAIT_MS_MAX = 30_000;
/** Requests waiting for coverage. Each holds a socket and a closure. → 503 overloaded */
export const SESSION_WAITERS_MAX = 10_000;
/** How long a write waits for other regions to hold it: a few trips around the world. → receipt of less */
export const RECEIPT_WAIT_MS_DEFAULT = 2_000;
/** Writes waiting for other regions. Looked through at each heartbeat. → 503 overloaded, unwritten */
export const RECEIPT_WAITERS_MAX = 5_000;
/** Characters of a session token: 16 regions. → 400 */
export const SESSION_TOKEN_CHARS_MAX = 256;
/** Characters of a Request-Id that a client chose. Longer or unprintable is replaced by ours. */
export const REQUEST_ID_CHARS_MAX = 128;
/** Entity-tags in one If-Match or If-None-Match. Each is compared. → 400 */
export const ENTITY_TAGS_MAX = 64;
/** Heads named in the `Document-Heads` header. More are told in the envelope only. */
export const HEADS_IN_HEADER_MAX = 8;
/** Seconds for which a browser remembers what a page may call. */
export const CORS_SECONDS = 600;
/** Read and thrown away of a refused body, so that its sender sees the answer. → disconnected */
export const BODY_DISCARD_BYTES_MAX = MIB;

// ── A profile's past ─────────────────────────────────────────────────────────────────────────────
/** Parts of a set, list or text that an explanation names. The rest is not told. */
export const EXPLAINED_PARTS_MAX = 1_000;
/** UTF-16 code units of a text whose writers are looked up, one by one. The rest is not told. */
export const EXPLAINED_TEXT_UNITS_MAX = 10_000;
/** Heads that a client may name as a version. More than any document should have. → 400 */
export const VERSION_HEADS_MAX = 64;
/** Changes on one page of a history unless asked otherwise, and at most. → 400 */
export const HISTORY_PAGE_DEFAULT = 100;
export const HISTORY_PAGE_MAX = 1_000;
/** Members that one revert names. → 422 */
export const REVERT_PATHS_MAX = 100;

// ── A request that is repeated ───────────────────────────────────────────────────────────────────
/** How long the answer to a request with an Idempotency-Key is kept. Later it is a new request. */
export const ANSWER_KEPT_MS = 24 * 3_600_000;
/** Answers kept: ≈ 300 bytes each. The oldest go first. */
export const ANSWERS_KEPT_MAX = 200_000;
/** Forgotten with one write that is kept: keeps its transaction short. */
export const ANSWERS_FORGOTTEN_AT_ONCE = 16;
/** Characters of an Idempotency-Key. → 400 */
export const IDEMPOTENCY_KEY_CHARS_MAX = 255;

// ── Many profiles at once ────────────────────────────────────────────────────────────────────────
/** Profiles of one batch read. Each may be as large as a profile is. → 422 */
export const BATCH_GET_MAX = 500;
/** Writes of one batch: each is atomic alone. → 422 */
export const BATCH_WRITE_MAX = 100;
/** Writes of a batch in one turn of the event loop: some 30 ms, if all are new profiles. The next wait for a turn. */
export const BATCH_WRITES_IN_TURN = 8;
/** Bytes of a batch's body: the writes that a page of an import needs. → 413 */
export const BATCH_BODY_BYTES_MAX = 4 * MIB;
/** Members and items in a batch's body, all levels together. → 422 */
export const BATCH_NODES_MAX = 100_000;
/** Characters of the profiles in one answer. A batch: told to ask for less; a list: a shorter page. */
export const MANY_CHARS_MAX = 8 * MIB;
/** Profiles on one page of a list unless asked otherwise, and at most. → 400 */
export const LIST_PAGE_DEFAULT = 100;
export const LIST_PAGE_MAX = 1_000;
/** Profiles that came from elsewhere and are rendered before a list is made. The rest comes later. */
export const LIST_RENDERED_MAX = 256;
/** Members that `fields` names. → 400 */
export const FIELDS_MAX = 64;

// ── An answer's body ─────────────────────────────────────────────────────────────────────────────
/** A smaller one is sent as it is: compressing costs more than it saves. */
export const ANSWER_COMPRESSED_BYTES_MIN = KIB;
/** A larger one is compressed on a thread of its own, so that others are served meanwhile. */
export const ANSWER_COMPRESSED_INLINE_BYTES_MAX = 32 * KIB;

/** Answers of one turn that are written together: none waits for more reads than these, and few writes wake a reader. */
export const ANSWERS_TOGETHER_MAX = 16;

/** Larger ones are counted until their client has taken them. */
export const ANSWER_LARGE_BYTES = 64 * KIB;
/** Bytes of large answers that nobody has taken yet, all clients together. → 503 overloaded */
export const ANSWERS_UNSENT_BYTES_MAX = 256 * MIB;

// ── A connection of a client ─────────────────────────────────────────────────────────────────────
/** Request line and headers together. → 431 */
export const HTTP_HEADER_BYTES_MAX = 16 * KIB;
/** Header fields of one request: a handful of ours, and what proxies add. → 431 */
export const HTTP_HEADERS_MAX = 64;
/** From the first byte of a request to the end of its headers: a slow sender holds a socket. → 408 */
export const HTTP_HEADERS_MS_MAX = 5_000;
/** From the first byte of a request to the end of its body; not its answer. → 408 */
export const HTTP_REQUEST_MS_MAX = 10_000;
/** An idle connection is kept this long: more than a usual load balancer's 60 s, which must close first. */
export const HTTP_KEEP_ALIVE_MS = 65_000;
/** Without a byte either way while a request is served: above every wait that is granted. → disconnected */
export const HTTP_STALL_MS = 45_000;
/** Open client connections of one listener. Room for every waiting session. → disconnected */
export const HTTP_CONNECTIONS_MAX = 2 * SESSION_WAITERS_MAX;

// ── Who asks ─────────────────────────────────────────────────────────────────────────────────────
/** Random bytes of an API key: nothing to guess, so one round of SHA-256 keeps it. */
export const API_KEY_SECRET_BYTES = 32;
/** Characters of a credential. Tokens with a handful of claims have some hundreds. → 401 */
export const CREDENTIAL_CHARS_MAX = 4_096;
/** A verified token is believed this long without looking again: bounds how late a lost key counts. */
export const JWT_REMEMBERED_MS = 60_000;
/** Verified tokens remembered: ≈ 300 bytes each. The oldest is verified again. */
export const JWT_REMEMBERED_MAX = 10_000;
/** Clocks of issuers differ from ours by this much. */
export const JWT_CLOCK_TOLERANCE_SECONDS = 5;
/** Time the issuer has to publish its keys. → 503 */
export const JWKS_ANSWER_MS_MAX = 5_000;
/** Between two fetches for a key that is not known: a stranger's tokens must not become a load there. */
export const JWKS_PAUSE_MS = 30_000;
/** Published keys are fetched again after this long. */
export const JWKS_CACHE_MS = 600_000;
/** Between two looks at the files of keys: a revoked key is refused this soon after. */
export const CREDENTIALS_CHECK_MS = 10_000;
/** Names whose rate is watched: ≈ 100 bytes each. The least recent starts afresh. */
export const RATE_NAMES_MAX = 20_000;
/** Between two tellings of what was let through: what regions let through unknown to each other. */
export const SPENT_PERIOD_MS = 250;
/** Names told about in one message. What others let through goes untold: they are not the busy ones. */
export const SPENT_BUCKETS_MAX = 1_024;
/** Processes that answer reads beside a replica. More than cores only wait for each other. → config-invalid */
export const READERS_MAX = 64;
/** A reader that ended is started again after this, and after twice as long each time it ends at once. */
export const READER_RESTART_MS = 250;
/** The longest of these waits, and how long one must have lived to be trusted again. */
export const READER_RESTART_MS_MAX = 30_000;
/** A reader tells its measurements at least this often, or when it has so many. */
export const READER_REPORT_MS = 1_000;
export const READER_REPORT_VALUES_MAX = 2_048;
/** Bytes of a path to a socket that Linux takes, one less for its end (unix(7)). → config-invalid */
export const SOCKET_PATH_BYTES_MAX = 107;
/** Refused credentials of one address per second … → 429 */
export const REFUSALS_PER_SECOND = 5;
/** … and at once: a service that starts with a wrong key. */
export const REFUSALS_BURST = 50;

// ── The change feed ──────────────────────────────────────────────────────────────────────────────
/** Events on one page unless asked otherwise. */
export const FEED_EVENTS_DEFAULT = 100;
/** The most that may be asked for. → 400 */
export const FEED_EVENTS_MAX = 1_000;
/** Characters of profiles on one page, after which it ends: what one stalled consumer costs here. */
export const FEED_PAGE_CHARS_MAX = 64 * KIB;
/** Documents in conflict that are opened for one page, after which it ends: ≈ 1 ms each. */
export const FEED_OPENED_MAX = 16;
/** Overridden writes of one profile that are named with one change. The rest: GET …/conflicts. */
export const FEED_SUPERSEDED_MAX = 32;
/** Events read at a time for a stream. */
export const FEED_STREAM_EVENTS = 64;
/** A page of a stream is the same for everybody who asks for it within this time. */
export const FEED_SHARED_MS = 1_000;
/** Pages kept for that. Oldest go: they are read again. */
export const FEED_SHARED_PAGES_MAX = 64;
/** Consumers are woken this long after a commit: many commits wake them once. */
export const FEED_PACE_MS = 20;
/** A quiet stream says that it lives: below the 30 s after which proxies give up. */
export const FEED_BEAT_MS = 15_000;
/** A consumer that reads nothing for this long is let go; it comes back with its cursor. */
export const FEED_STALL_MS = 30_000;
/** Consumers that wait for changes: one closure and one timer each. → 503 overloaded */
export const FEED_WAITERS_MAX = 2_000;
/** Streams of one principal. → 429 */
export const FEED_STREAMS_EACH_MAX = 256;

// ── The canary ───────────────────────────────────────────────────────────────────────────────────
/** Between two beats of a region's canary: one small write in each region. */
export const CANARY_PERIOD_MS = 30_000;
/** Time that the other regions have to hold a beat. Later it counts as held here alone. */
export const CANARY_WAIT_MS = 10_000;
/** How long one profile is written over before another takes its place: its history stays for ever. */
export const CANARY_WINDOW_MS = 4 * 3_600_000;

// ── Traces ───────────────────────────────────────────────────────────────────────────────────────
/** Spans that wait for the collector: ≈ 1 KiB each. Further ones are dropped. */
export const TRACE_SPANS_QUEUED_MAX = 4_096;
/** Between two batches to the collector. */
export const TRACE_EXPORT_PERIOD_MS = 1_000;
/** Time the collector has for one batch, retries included; also the last one of a process that stops. */
export const TRACE_EXPORT_MS_MAX = 3_000;
/** Batches that are on their way at a time. */
export const TRACE_EXPORTS_MAX = 4;
/** Batches that fail are told this often. */
export const TRACE_FAULT_PERIOD_MS = 60_000;

// ── Overload ─────────────────────────────────────────────────────────────────────────────────────
/** Requests of a kind that are under way at a time, beyond which the next is refused. → 503 */
export const UNDER_WAY_MAX = {
  health: 256,
  read: 10_000,
  write: 5_000,
  bulk: 16,
  feed: 1_000,
  admin: 32,
} as const;
/** Between two measurements of how late timers fire. */
export const LOOP_LAG_CHECK_MS = 100;
/** Measurements that must all be late: one pause is no overload. */
export const LOOP_LAG_CHECKS = 10;
/** Timers that are this late, over and over, mean more work than time. → 503 for writes and bulk */
export const LOOP_LAG_MS_MAX = 250;

/** Free disk that only replication may use. → 507 for clients */
export const DISK_RESERVE_BYTES = 256 * MIB;
/** Free disk from which on clients write again. */
export const DISK_RESUME_BYTES = 320 * MIB;
/** Between two looks at the free disk: a second of writes at full speed is far less than the reserve. */
export const DISK_CHECK_MS = 2_000;

// ── A request that another region answers ────────────────────────────────────────────────────────
/** Requests handed on at a time: two sockets and a body of at most 64 KiB each. → 503 overloaded */
export const FORWARDS_MAX = 256;
/** Connecting to the other region: two retransmitted SYNs. → 503 session-not-available */
export const FORWARD_CONNECT_MS_MAX = 2_000;
/** Its whole answer, beyond what it may wait itself. → 503, or 502 for a write that was sent */
export const FORWARD_ANSWER_MS_MAX = 5_000;

// ── A change ─────────────────────────────────────────────────────────────────────────────────────
/** Bytes of one change, inflated. A full PUT of the largest body fits with room. → quarantine */
export const CHANGE_BYTES_MAX = 512 * KIB;
/** Characters of a principal's name as a change bears it. Longer ones are cut, and end in "…". */
export const PRINCIPAL_CHARS_MAX = 256;
/** Characters of the message that says who asked for a change. A longer one says nothing. */
export const AUTHORSHIP_CHARS_MAX = 2_048;
/** Operations in one change: 104 bytes can expand to 50,000. → quarantine */
export const CHANGE_OPS_MAX = 50_000;
/** Heads that a change names as its parents. Three regions make a handful. → quarantine */
export const CHANGE_DEPS_MAX = 256;
/** Container changes carried by one entry: bounded by the nodes of one body. → quarantine */
export const ENTRY_CONTAINERS_MAX = JSON_NODES_MAX;

// ── Planning an edit ─────────────────────────────────────────────────────────────────────────────
/** Differences that a diff of two lists or texts looks for. Beyond, the middle is replaced whole. */
export const DIFF_EDITS_MAX = 500;
/** Comparisons to find edited list items among replaced ones. Beyond, they are paired by position. */
export const DIFF_ITEMS_COMPARED_MAX = 1_024;
/** Container changes kept ready: ≈ 300 bytes each. Oldest go; they are made again in ≈ 0.3 ms. */
export const CONTAINERS_CACHED_MAX = 10_000;

// ── A document ───────────────────────────────────────────────────────────────────────────────────
/** Open Automerge documents: ≈ 20 KB each in wasm and heap. Least recently used is freed. */
export const DOCUMENTS_OPEN_MAX = 2_000;
/** Changes of a history that are searched for concurrency. Longer ones are asked member by member. */
export const HISTORY_SEARCHED_MAX = 64;
/**
 * Raw changes kept behind the saved base of a document that is not open, before they are folded into it.
 * Longer makes opening slow, by some 30 µs a change.
 */
export const TAIL_CHANGES_MAX = 48;
/** The same in bytes. */
export const TAIL_BYTES_MAX = 6 * KIB;
/**
 * The same of any document. An open one is not loaded, and saving it and verifying what was saved costs
 * the same however long the tail is: so it may be longer. What a crash leaves to be loaded is bounded by this.
 */
export const OPEN_TAIL_CHANGES_MAX = 128;
/** The same in bytes: a write rewrites the tail. */
export const OPEN_TAIL_BYTES_MAX = 16 * KIB;
/**
 * Longer tails than this are folded once nobody has written for a while, wherever the document is: a raw change
 * takes forty times what it takes folded. The making of most profiles stays below it, and is not made twice.
 */
export const TAIL_REST_CHANGES_MAX = 4;
/** The same in bytes. */
export const TAIL_REST_BYTES_MAX = 2 * KIB;
/** Without a write for this long a document rests: whoever edits his profile has closed the page. */
export const TAIL_REST_MS = 60_000;
/** Tails folded in one background turn because they rest: some 2 ms each, and nobody waits for them. */
export const TAILS_RESTED_MAX = 4;
/** Bytes of a saved document's columns, inflated. More is no profile that was edited. → does not load */
export const DOCUMENT_INFLATED_BYTES_MAX = 64 * MIB;
/** Window of a packed document, as a power of two: what unpacking allocates. Ours have 21 bits. → does not load */
export const PACKED_WINDOW_BITS_MAX = 22;
/** Changes of ours that an open document takes in one go. More wait for nobody: Automerge makes the next. */
export const PLAIN_LINE_CHANGES_MAX = 192;
/**
 * Changes that are looked through for where a document ends, at some 10 µs each: for Automerge to make the
 * next change costs as much as looking through 35. More → Automerge makes it
 */
export const PLAIN_LINE_SEARCHED_MAX = 24;
/** Changes that no other builds on, behind which a plain one is still written or taken in. More → Automerge has to */
export const PLAIN_LINE_HEADS_MAX = 16;
/** Operations that one insert at the head of a list or text becomes and that are written beside the module. More → Automerge */
export const NEW_ITEM_ROWS_MAX = 1_024;
/** Maps of a document, from the outside in, in which changes from elsewhere are understood. More → Automerge takes them */
export const MAPS_FOLLOWED_MAX = 256;
/**
 * Largest number of an operation after which changes are written without Automerge, whose own end at 32 bits.
 * Only a hostile change brings a document there. → Automerge makes the next, or refuses it
 */
export const PLAIN_LINE_OPERATION_MAX = 2 ** 31;
/** Documents of which it is remembered where they lie, ≈ 200 bytes each. Beyond, all are forgotten. */
export const PLACES_KNOWN_MAX = 20_000;
/** Days whose date is kept as HTTP spells it: eleven years, ≈ 60 bytes each. Beyond, all are forgotten. */
export const DAYS_SPELT_MAX = 4_096;
/** What is rendered for readers is kept in segments of this size. A snapshot that is larger is read from its row. */
export const SNAPSHOT_SEGMENT_BYTES = MIB;
/** And so many of them: snapshots of 120,000 usual profiles. Beyond, the oldest segment goes, but for what is asked for. */
export const SNAPSHOT_SEGMENTS_MAX = 96;
/**
 * Where V8 puts what has just been made, each of its two halves, in MiB. Less, and what lives only as long as a request is
 * taken for something that stays; more is memory that a busy region holds and does not use.
 */
export const NURSERY_HALF_MIB = 8;

// ── A group commit ───────────────────────────────────────────────────────────────────────────────
/** Entries in one transaction: keeps the pause of one commit short. → commits, then goes on */
export const GROUP_ENTRIES_MAX = 512;
/** Groups on their way to the disk: a disk that is slower than what comes. → the next one waits for it, and everybody */
export const GROUPS_LEAVING_MAX = 4;
/** Pages in the write-ahead log, as SQLite has it: how much a start reads, and a crash leaves. → copied beside */
export const CHECKPOINT_PAGES = 1_000;
/** Pages that are copied on the thread that commits: a few milliseconds, and the log begins anew. */
export const CHECKPOINT_REST_PAGES = 128;
/** Times that a thread copies what has come meanwhile. → the next ones when the log has grown again */
export const CHECKPOINT_PASSES = 4;
/** Pages that wait to be copied, 128 MiB: no thread keeps up. → copied on the thread that commits */
export const CHECKPOINT_PAGES_LATE = 16_384;
/** For a copy under way when the file is closed. → closed all the same; the next start reads the log */
export const CHECKPOINT_END_MS_MAX = 10_000;
/** From one group to the next, where nobody here waits for it: what comes from peers is committed together. */
export const GROUP_PAUSE_MS = 3;
/** Document rows that one transaction keeps in memory: more than one group touches. → written early */
export const GROUP_DOCUMENTS_MAX = 2_048;

// ── A link ───────────────────────────────────────────────────────────────────────────────────────
/** One WebSocket message. Larger closes the link with 1009 before it is buffered. */
export const FRAME_BYTES_MAX = 4 * MIB;
/** Fragments of one message: ours are never fragmented (CVE-2026-48779). */
export const FRAME_FRAGMENTS_MAX = 64;
/** Chunks of unparsed input kept for one link: a full frame in pieces of 1 KiB. */
export const FRAME_CHUNKS_MAX = 8_192;
/** Fresh entries wait this long for company before they are sent, while few are written. */
export const PUSH_DELAY_MS = 2;
/** The same while many are written: fewer, larger batches that compress better. */
export const PUSH_DELAY_MS_MAX = 10;
/** Entries per second to one peer from which on they wait longest. */
export const PUSH_RATE_HIGH = 1_000;
/** Memory of the measured rate: what came this long ago counts a third. */
export const PUSH_RATE_DECAY_MS = 250;
/** A batch is sent at once when it has this many bytes … */
export const BATCH_BYTES_MAX = 64 * KIB;
/** … or entries. */
export const BATCH_ENTRIES_MAX = 256;
/** A smaller body of a batch is sent as it is: compressing it costs more than it saves. */
export const COMPRESS_BYTES_MIN = 300;
/** Bytes of a batch's body, inflated: no more than a plain frame could hold. → the link ends */
export const BATCH_INFLATED_BYTES_MAX = FRAME_BYTES_MAX;
/** Window of a compressed body, as a power of two: what a decoder allocates. → the link ends */
export const COMPRESS_WINDOW_BITS_MAX = 22;
/** Batch bytes a link may carry that are not durable at the peer: 53 MB/s at 150 ms. → slow link */
export const LINK_CREDIT_BYTES = 8 * MIB;
/** The part of it that answers leave to fresh entries. */
export const LINK_CREDIT_RESERVE_BYTES = 2 * MIB;
/** Unsent bytes in a link's outbox and socket. Beyond, eager push stops and the peer reads the log. */
export const LINK_BACKLOG_BYTES_MAX = 4 * MIB;
/** The beat at which replication looks at its timers while something is under way. */
export const TICK_MS = 25;
/** The same while nothing is: whatever nobody foresaw is noticed this soon. */
export const TICK_IDLE_MS = 250;
/** Heartbeat period while entries flow: bounds how long a session waits beyond the link's delay. */
export const HEARTBEAT_ACTIVE_MS = 50;
/** Time that the disk is told of in advance, before peers hear of it: one more fsync this often. */
export const ANNOUNCED_AHEAD_MS = 5_000;
/** Heartbeat period when idle. */
export const HEARTBEAT_IDLE_MS = 1_000;
/** Heartbeats of a new link that are kept until the first, which says everything, has come. → the oldest goes */
export const HEARTBEATS_EARLY_MAX = 8;
/** Entries received are confirmed to their sender at once, but not more often than this. */
export const ACK_DELAY_MS = 5;
/** Silence after which a link is called down and redialled: a half-open link looks alive to TCP. */
export const LINK_SILENCE_MS_MAX = 2_000;
/** A tick that comes later than this means that we were stalled: silence is then our own. → excused */
export const STALL_MS_MIN = 250;
/** A link that was live this long ends a row of failed attempts; a shorter one continues it. */
export const LINK_SETTLED_MS = 10_000;
/** Time a new connection has to finish its handshake. */
export const HANDSHAKE_MS_MAX = 5_000;
/** First pause before redialling; doubles, with full jitter. */
export const REDIAL_MS_MIN = 100;
/** Longest pause before redialling: bounds how long after a heal the link stays down. */
export const REDIAL_MS_MAX = 5_000;
/** Between two questions to DNS for the peers, and the longest wait for its answer. */
export const DISCOVERY_DNS_MS = 10_000;
/** Pause before a registry of peers that did not answer is asked again; what it said last holds. */
export const DISCOVERY_RETRY_MS = 2_000;
/** How long a registry is asked to wait for a change; then everything is read anew. */
export const DISCOVERY_WATCH_MS = 60_000;
/** Between two looks at the certificate files: a new certificate is in use this soon after. */
export const CERTIFICATE_CHECK_MS = 60_000;
/** A certificate that ends in this many days is told once at each, and daily below the last. */
export const CERTIFICATE_WARN_DAYS = [30, 14, 7] as const;
/** Missing ranges named in one NEED. The rest is asked for when these have come. */
export const NEED_RANGES_MAX = 4_096;
/** Newest entries of a lane that are asked for first; each older range is twice as long. */
export const NEED_NEWEST_ENTRIES = 64;
/** Entries that are asked for newest first before it is known whether they help: in vain, they would come twice. */
export const NEED_FIRST_ENTRIES = 2_048;
/** Entries of an answer after which it is known whether most of them wait. → oldest first */
export const NEED_SAMPLE_ENTRIES = 256;
/** Unsent bytes of a link above which an answer pauses: nothing waits behind more than one slice. */
export const ANSWER_BACKLOG_BYTES_MAX = 16 * KIB;
/** Between two slices of an answer to one peer: what arrives meanwhile is served. */
export const ANSWER_PAUSE_MS = 1;
/** Ranges of the log read for one slice: keeps a slice of sparse ranges short. */
export const ANSWER_READS_MAX = 128;
/** What two regions cover may stand still for this long while one covers more. → their documents are compared */
export const STANDSTILL_MS_MAX = 60_000;
/** What a peer has trimmed from its log is not asked of it again for this long. */
export const TRIMMED_RETRY_MS = 60_000;
/** A NEED not answered for this long may be asked of another peer. */
export const NEED_TIMEOUT_MS = 5_000;
/** A hole is left alone this long, because the entry is usually on its way from its own region. */
export const HOLE_PATIENCE_MS = 250;
/** Records in one list on the wire. Checked before anything is allocated. */
export const WIRE_LIST_MAX = 65_536;

// ── Anti-entropy ─────────────────────────────────────────────────────────────────────────────────
/** Between two comparisons of an idle pair. */
export const ANTI_ENTROPY_PERIOD_MS = 30_000;
/** A pair that fell quiet is compared after this long: what was just exchanged is proven soon. */
export const ANTI_ENTROPY_REST_MS = 200;
/** A peer that could not compare at our cut is asked again after this long: a heartbeat has come. */
export const ANTI_ENTROPY_RETRY_MS = 1_000;
/** A question not answered for this long ends the comparison; the next period opens another. */
export const ANTI_ENTROPY_ANSWER_MS_MAX = 15_000;
/** Entries above a cut. More means that the pair is still catching up. → the log first */
export const ANTI_ENTROPY_TAIL_MAX = 50_000;
/** Bytes of questions and answers in one comparison. → goes on in the next period */
export const ANTI_ENTROPY_BYTES_MAX = 4 * MIB;
/** Changes sent or asked for in one comparison. → goes on in the next period */
export const ANTI_ENTROPY_REPAIRS_MAX = 20_000;
/** Times that a comparison is repeated at one cut before it is called unresolved. */
export const ANTI_ENTROPY_PASSES_MAX = 3;
/** Digests asked for in one question: keeps the turn that answers it near 10 ms. */
export const ANTI_ENTROPY_DIGESTS_MAX = 1_024;
/** Digests that questions under way may bring: a level of the descent in one round trip, 700 kB. */
export const ANTI_ENTROPY_DIGESTS_OPEN_MAX = 64 * ANTI_ENTROPY_DIGESTS_MAX;
/** A node with this many documents is listed rather than divided. */
export const ANTI_ENTROPY_LIST_DOCUMENTS = 24;
/** Documents in the list of one node. More are not listed, and the asker divides the node. */
export const ANTI_ENTROPY_LIST_MAX = 256;
/** Documents opened to answer one question: each costs about a millisecond. */
export const ANTI_ENTROPY_DOCUMENTS_OPENED_MAX = 16;
/** Rows of the log looked through for what lies above an operator's cut: a second or two. → told so */
export const ABOVE_CUT_ROWS_MAX = 200_000;
/** Documents on one page of what lies above a cut, unless asked otherwise and at most. */
export const ABOVE_CUT_LISTED_DEFAULT = 1_000;
export const ABOVE_CUT_LISTED_MAX = 5_000;
/** Bytes of another region's changes in one preview of a merge. → payload-too-large */
export const PREVIEW_BYTES_MAX = 16 * MIB;
/** Changes in one preview of a merge. → malformed-request */
export const PREVIEW_CHANGES_MAX = 100_000;
/** Narrowest and widest division of a node, as powers of two. */
export const ANTI_ENTROPY_FAN_BITS_MIN = 3;
export const ANTI_ENTROPY_FAN_BITS_MAX = 12;
/** Buckets of a young shard, as a power of two. */
export const BUCKET_BITS_MIN = 4;
/** The deepest division of a shard: 40 bytes of memory for each bucket. */
export const BUCKET_BITS_MAX = 16;
/** Documents to a bucket. Twice as many divide the shard anew. */
export const BUCKET_DOCUMENTS = 32;

// ── What is set aside ────────────────────────────────────────────────────────────────────────────
/** Entries waiting for a change they build on. Beyond, new ones are not kept and asked for again. */
export const PENDING_ENTRIES_MAX = 100_000;
/** Quarantined entries kept. Beyond, the fact is counted and the bytes are not kept. */
export const QUARANTINE_ENTRIES_MAX = 10_000;
/** A place in the log whose entry was bad is asked for again after this long. */
export const QUARANTINE_RETRY_MS = 60_000;
/** Culprits looked for in one document. Beyond, the whole document is quarantined. */
export const ISOLATION_CULPRITS_MAX = 16;
/** Records of one listing unless asked otherwise, and at most. */
export const QUARANTINE_LISTED_DEFAULT = 100;
export const QUARANTINE_LISTED_MAX = 1_000;

// ── Audit ────────────────────────────────────────────────────────────────────────────────────────
/** Bytes of one file of the audit log: some 40,000 mutations. → turned over */
export const AUDIT_LOG_BYTES_MAX = 8 * MIB;
/** Files of it, with the one that is written. → the oldest is overwritten */
export const AUDIT_LOGS_KEPT = 4;
/** Entries of one listing unless asked otherwise, and at most. */
export const AUDIT_LISTED_DEFAULT = 100;
export const AUDIT_LISTED_MAX = 1_000;

// ── Scrub ────────────────────────────────────────────────────────────────────────────────────────
/** A full pass of the background walk, at rest: bit rot is found within this time. */
export const SCRUB_PERIOD_MS = 7 * 24 * 3_600_000;
/** Longest pause between two turns: a small store is simply looked at more often. */
export const SCRUB_PAUSE_MS_MAX = 3_600_000;
/** Shortest: a store that is too large for the period takes longer than it. */
export const SCRUB_PAUSE_MS_MIN = 50;
/** Pause between two turns of a pass that somebody waits for: requests come in between. */
export const SCRUB_VERIFY_PAUSE_MS = 4;
/** A turn ends after this long … */
export const SCRUB_TURN_MS_MAX = 4;
/** … or this many rows, whichever is first. Keeps a turn near a few milliseconds. */
export const SCRUB_TURN_ROWS = 64;
/** Rows of the log read at a time: ≈ 70 µs each, most of it hashing and parsing. */
export const SCRUB_PAGE_ROWS = 32;
/** Documents and records read at a time: each may bring its body along. */
export const SCRUB_PAGE_DOCUMENTS = 8;
/** What loading one document costs, in rows: ≈ 3 ms for one of ten changes. */
export const SCRUB_DOCUMENT_COST = 48;
/** Faults of a pass that are told one by one; the rest is counted. */
export const SCRUB_FAULTS_LISTED_MAX = 200;
/** Places of one run of lost entries that are marked: a frontier that was damaged names any number. */
export const SCRUB_LOST_MARKS_MAX = 10_000;
/** Faults that open gaps are gathered this long before links start afresh to have them filled. */
export const SCRUB_RELINK_MS = 1_000;

// ── Retention of the log ─────────────────────────────────────────────────────────────────────────
/** A row stays this long whatever else is true: cheap catch-up, the change feed, looking back. */
export const RETENTION_AGE_MS_DEFAULT = 24 * 3_600_000;
/** Bytes of the log above which rows go before they are that old. → trimmed by acknowledgement alone */
export const RETENTION_BYTES_DEFAULT = 2 * 1024 * MIB;
/** The log may grow to this many times its bytes for a live peer that is behind. → it has to compare */
export const RETENTION_HARD_FACTOR = 2;
/** Silence after which rows go although a region lacks them. It comes back by comparing. */
export const RETENTION_DEAD_PEER_MS_DEFAULT = 3 * 24 * 3_600_000;
/** Between two walks over all lanes. */
export const RETENTION_PERIOD_MS = 60_000;
/** Between two turns of a walk that trims: requests come in between. */
export const RETENTION_PAUSE_MS = 25;
/** A turn ends after this long: one page more at most, which is near 10 ms. */
export const RETENTION_TURN_MS_MAX = 4;
/** Rows of one lane looked at together … */
export const RETENTION_PAGE_ROWS = 128;
/** … and documents folded and looked into for them: each costs about a millisecond. */
export const RETENTION_PAGE_DOCUMENTS = 8;
/** Placeless changes that came before their parents, kept in memory. → found again by comparing */
export const PLACELESS_EARLY_MAX = 4_096;

// ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────
/** Dirty documents rendered in one background turn: keeps the turn near 10 ms. */
export const UPKEEP_DOCUMENTS_MAX = 16;
/** Long tails of open documents passed over in one background turn, in search of one that is not open. */
export const OPEN_TAILS_PASSED_MAX = 64;
/** How far a peer's clock may pull ours. More is a broken clock, and is only reported. */
export const CLOCK_PULL_MS_MAX = 500;
/** How far beyond our wall clock a peer may remind us of what we announced: a clock set back by a day. */
export const CLOCK_RECALL_MS_MAX = 86_400_000;
/** Shards of a cluster unless its config says otherwise. */
export const SHARDS_DEFAULT = 256;
/** Time a process has to finish its requests after SIGTERM. */
export const DRAIN_MS_MAX = 10_000;

// ── A process ────────────────────────────────────────────────────────────────────────────────────
/** Two signals closer together than this are one: a terminal and npm both deliver one Ctrl-C. */
export const SIGNAL_REPEAT_MS_MIN = 500;
/** Time the three regions of a local cluster have until all are ready. → they are stopped, exit 1 */
export const LOCAL_START_MS_MAX = 60_000;
/** Between two looks at the regions of a local cluster: a table that feels live costs them nothing. */
export const LOCAL_WATCH_PERIOD_MS = 500;
/** Lines of a region's own log that are shown when it stops by itself. */
export const LOCAL_LOG_LINES_SHOWN = 8;

// ── The command ──────────────────────────────────────────────────────────────────────────────────
/** One request of the command: longer than any session waits. → counted as a connection error */
export const COMMAND_REQUEST_MS_MAX = 35_000;
/** Times one write is sent before it is reported as failed: about 20 s of a region's absence. */
export const COMMAND_ATTEMPTS_MAX = 8;
/** First pause between two attempts; doubles, with full jitter. */
export const COMMAND_RETRY_MS_MIN = 100;
/** Longest pause between two attempts, also when the server names a longer one. */
export const COMMAND_RETRY_MS_MAX = 5_000;
/** Bytes of an answer that the command keeps. → error */
export const COMMAND_ANSWER_BYTES_MAX = 16 * MIB;
/** Days that a region's certificate is valid unless told otherwise: long enough to miss a rotation. */
export const CERTIFICATE_DAYS_DEFAULT = 90;
/** The most that may be asked for: a key that leaks is useful no longer than this. → usage error */
export const CERTIFICATE_DAYS_MAX = 825;
/** Days that a CA is valid: ten years. */
export const CA_DAYS = 3_650;
/** A certificate is valid from this long before it was made: clocks of regions differ. */
export const CERTIFICATE_BACKDATE_MS = 3_600_000;
/** Writes of an import that are under way at a time: enough to fill a group commit. */
export const IMPORT_CONCURRENCY_DEFAULT = 16;
/** The most that may be asked for: one socket each. → usage error */
export const IMPORT_CONCURRENCY_MAX = 256;
/** Bad lines and failed writes that are told one by one; the rest is counted. */
export const IMPORT_FAULTS_SHOWN = 10;
/** Time a verification is waited for unless told otherwise. The region goes on. → exit code 4 */
export const COMMAND_VERIFY_SECONDS_DEFAULT = 3_600;
/** Between two looks at how far a verification is. */
export const COMMAND_VERIFY_LOOK_MS = 250;
/** Bytes per second that a backup reads from a file in use, unless told otherwise: leaves the disk to writes. */
export const BACKUP_BYTES_PER_SECOND_DEFAULT = 64 * MIB;
/** Bytes copied between two pauses. */
export const BACKUP_STEP_BYTES = MIB;
/** A write-ahead log that grew by this much while a backup pins it. → the backup ends, the log is reset */
export const BACKUP_LOG_GROWTH_BYTES_MAX = 2 * 1024 * MIB;
/** Bytes of a manifest: 65,536 shards with a sum each. A larger file is none. → refused unread */
export const BACKUP_MANIFEST_BYTES_MAX = 16 * MIB;
/** Faults of a backup that are named one by one. The rest is counted. */
export const BACKUP_FAULTS_LISTED_MAX = 20;
/** Documents, or entries, that are checked before others get a turn: a few milliseconds each. */
export const BACKUP_PAGE_ROWS = 64;
/** Time that regions have to become equal for a certificate unless told otherwise. → exit code 4 */
export const COMMAND_CONVERGE_SECONDS_DEFAULT = 60;
/** Between two looks at whether they are. */
export const COMMAND_CONVERGE_LOOK_MS = 200;
/** Documents that differ, listed one by one. More are not looked for. */
export const COMMAND_DIFF_DOCUMENTS_MAX = 1_000;
/** Profiles that one preview of a heal looks into unless told otherwise, and at most: a request or two each. */
export const COMMAND_PREVIEW_PROFILES_DEFAULT = 500;
export const COMMAND_PREVIEW_PROFILES_MAX = 100_000;
/** Of them, how many at a time. */
export const COMMAND_PREVIEWS_CONCURRENT = 4;
/** Lines of each log that a support bundle holds: the last. */
export const COMMAND_BUNDLE_LINES_MAX = 20_000;
/** Between two looks of `atoll watch` unless told otherwise. */
export const COMMAND_WATCH_SECONDS_DEFAULT = 2;
/** Edits that the demo replays unless told otherwise: about a minute on two slow cores. */
export const DEMO_EDITS_DEFAULT = 4_000;
/** Edits made together that are sent at a time, in each region. */
export const DEMO_BATCH_CONCURRENCY = 8;
/** Time the regions have to become equal. → exit code 4 */
export const DEMO_CONVERGE_MS_MAX = 60_000;
/** Between two looks at whether they are. */
export const DEMO_LOOK_MS = 50;
/** Time a region has to tell its status while it is busy. */
export const DEMO_STATUS_MS_MAX = 5_000;

assert(BODY_BYTES_MAX * 2 <= CHANGE_BYTES_MAX, "a change must hold the largest body");
assert(CHANGE_BYTES_MAX * 2 <= FRAME_BYTES_MAX, "a frame must hold the largest change");
assert(LINK_SILENCE_MS_MAX === HEARTBEAT_IDLE_MS * 2, "a half-open link is found in two intervals");
assert(TICK_IDLE_MS * 4 <= HEARTBEAT_IDLE_MS, "a stall is measured to a fraction of a heartbeat");
assert(TICK_MS * 2 <= STALL_MS_MIN, "a tick that is a little late is no stall");
assert(STALL_MS_MIN < LINK_SILENCE_MS_MAX, "a stall is noticed before it looks like silence");
assert(
  REDIAL_MS_MAX < LINK_SETTLED_MS,
  "a peer that flaps is dialled no more often than one that is down",
);
assert(FRAME_BYTES_MAX + LINK_CREDIT_RESERVE_BYTES < LINK_CREDIT_BYTES, "credit for any answer");
assert(BATCH_BYTES_MAX * 2 <= LINK_CREDIT_RESERVE_BYTES, "fresh batches beside an answer");
assert(2 ** COMPRESS_WINDOW_BITS_MAX >= BATCH_INFLATED_BYTES_MAX, "a window holds any body");
assert(ACK_DELAY_MS < HEARTBEAT_ACTIVE_MS, "a confirmation is prompter than a heartbeat");
assert(PUSH_DELAY_MS < PUSH_DELAY_MS_MAX, "many entries wait longer than few");
assert(HEARTBEAT_ACTIVE_MS < SESSION_WAIT_MS_DEFAULT, "a session must outlast a heartbeat");
assert(HOLE_PATIENCE_MS < NEED_TIMEOUT_MS, "patience first, then a request");
assert(REDIAL_MS_MIN < REDIAL_MS_MAX, "the pause before redialling grows");
assert(
  CERTIFICATE_DAYS_DEFAULT > CERTIFICATE_WARN_DAYS[0] * 2,
  "a new certificate is not warned of",
);
assert(HTTP_HEADERS_MS_MAX < HTTP_REQUEST_MS_MAX, "headers come before the body");
assert(
  SESSION_TOKEN_CHARS_MAX * 2 < HTTP_HEADER_BYTES_MAX,
  "the headers must hold a session token",
);
assert(
  SESSION_WAITERS_MAX + RECEIPT_WAITERS_MAX < HTTP_CONNECTIONS_MAX,
  "waiting requests leave room for others",
);
assert(HEARTBEAT_ACTIVE_MS + TICK_MS < RECEIPT_WAIT_MS_DEFAULT, "a receipt outlasts a heartbeat");
assert(RECEIPT_WAIT_MS_DEFAULT <= SESSION_WAIT_MS_MAX, "what is granted unasked may be asked for");
assert(FORWARD_CONNECT_MS_MAX < FORWARD_ANSWER_MS_MAX, "connecting comes before the answer");
assert(SESSION_WAIT_MS_MAX < COMMAND_REQUEST_MS_MAX, "a request outlasts the wait it asks for");
assert(RETENTION_AGE_MS_DEFAULT < RETENTION_DEAD_PEER_MS_DEFAULT, "a peer may be away for an age");
assert(RETENTION_HARD_FACTOR > 1, "the log may grow beyond its bytes for a peer that is behind");
assert(CANARY_WAIT_MS < CANARY_PERIOD_MS, "a beat ends before the next");
assert(CANARY_WINDOW_MS / CANARY_PERIOD_MS <= 1_000, "a canary's history opens in milliseconds");
assert(
  HTTP_STALL_MS > SESSION_WAIT_MS_MAX + FORWARD_ANSWER_MS_MAX,
  "whoever is made to wait is not hung up on",
);
assert(HTTP_STALL_MS > FEED_BEAT_MS, "a quiet stream is alive");
assert(ANSWERS_UNSENT_BYTES_MAX > MANY_CHARS_MAX * 4, "the largest answer fits");
