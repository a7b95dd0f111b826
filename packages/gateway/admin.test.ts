/** The admin listener, and the health checks that both listeners have. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FACTS } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";

let region: Loopback;

afterEach(() => region.close());

describe.each(["public", "admin"] as const)("health on the %s listener", (app) => {
  beforeEach(async () => {
    region = new Loopback();
    await region.open(app);
  });

  test("alive, started and ready say ok in plain text", async () => {
    for (const path of ["/livez", "/startupz", "/readyz"]) {
      const reply = await region.call("GET", path);
      expect(reply.status).toBe(200);
      expect(reply.text).toBe("ok");
      expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
      expect(reply.headers["cache-control"]).toBe("no-store");
    }
  });

  test("one failed check makes it not ready, and still alive", async () => {
    region.admin.checks = [
      { check: "store", ok: true },
      { check: "disk", ok: false, detail: "2 MiB left" },
      { check: "peers", ok: true, detail: "2 of 2" },
    ];
    expect((await region.call("GET", "/readyz")).status).toBe(503);
    const verbose = await region.call("GET", "/readyz?verbose");
    expect(verbose.status).toBe(503);
    expect(verbose.text).toBe(
      "[+]store ok\n[-]disk failed: 2 MiB left\n[+]peers ok: 2 of 2\nreadyz check failed\n",
    );
    expect((await region.call("HEAD", "/readyz")).status).toBe(503);
    expect((await region.call("GET", "/livez")).status).toBe(200);
  });
});

describe("the admin listener", () => {
  const STATE = "/admin/v1/peers/us/state";

  beforeEach(async () => {
    region = new Loopback();
    await region.open("admin");
  });

  test("shows the status as the region tells it", async () => {
    const reply = await region.call("GET", "/admin/v1/status");
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ region: "eu", peers: { us: "active" } });
    expect(reply.headers["cache-control"]).toBe("no-store");
    expect(reply.headers.server).toBe("atoll/1.2.3");
  });

  test("pauses and resumes a peer", async () => {
    for (const state of ["paused", "active", "active"]) {
      const reply = await region.write("PUT", STATE, { state });
      expect(reply.status).toBe(200);
      expect(reply.json()).toEqual({ region: "us", state });
      expect(region.admin.stateByPeer.get("us")).toBe(state);
    }
  });

  test("tells the audit log who changed what and how it ended, and nothing that only looks", async () => {
    await region.call("GET", "/admin/v1/status");
    await region.write("PUT", STATE, { state: "paused" });
    await region.write("PUT", "/admin/v1/peers/mars/state", { state: "paused" });
    await region.write("POST", "/admin/v1/documents/00/merge-preview", {});
    await region.write("POST", "/admin/v1/drain", {});
    expect(region.admin.recorded).toMatchObject([
      { who: "open", what: `PUT ${STATE}`, detail: { state: "paused" }, status: 200 },
      { what: "PUT /admin/v1/peers/mars/state", status: 404 },
      { what: "POST /admin/v1/drain", status: 200 },
    ]);
    const { entries } = (await region.call("GET", "/admin/v1/audit?limit=1")).json();
    expect(entries).toMatchObject([{ what: "POST /admin/v1/drain" }]);
    expect((await region.call("GET", "/admin/v1/audit?limit=0")).status).toBe(400);
  });

  test("is not ready while it is drained, and serves", async () => {
    await region.write("POST", "/admin/v1/drain", {});
    expect((await region.call("GET", "/readyz")).status).toBe(503);
    expect((await region.call("GET", "/admin/v1/status")).status).toBe(200);
    await region.write("POST", "/admin/v1/undrain", {});
    expect((await region.call("GET", "/readyz")).status).toBe(200);
  });

  test("shows the content of documents to those whose tenant's they are", async () => {
    const [ours, theirs] = ["0".repeat(32), "1".repeat(32)];
    region.admin.tenantByDocument.set(ours, FACTS);
    region.admin.tenantByDocument.set(theirs, { ...FACTS, tenant: "acme" });
    const at = (docId: string, what = "") =>
      region.call("GET", `/admin/v1/documents/${docId}${what}`);
    for (const what of ["/content", "/changes"]) {
      expect((await at(ours, what)).status).toBe(200);
      expect((await at(theirs, what)).status).toBe(404);
    }
    expect((await at(theirs)).json()).toMatchObject({ tenant: "acme" }); // facts hold nothing of it
    const headers = { "Content-Type": "application/vnd.automerge.changes" };
    const path = `/admin/v1/documents/${theirs}/merge-preview`;
    expect((await region.call("POST", path, { headers, body: "x" })).status).toBe(404);
  });

  test("knows its peers", async () => {
    for (const name of ["mars", "US", "__proto__", "us%00", "x".repeat(1000)]) {
      const reply = await region.write("PUT", `/admin/v1/peers/${name}/state`, { state: "paused" });
      expect(reply.status).toBe(404);
    }
  });

  test.each([{}, { state: "off" }, { state: null }, { state: ["paused"] }, []])(
    "%j is no state",
    async (body) => {
      const reply = await region.write("PUT", STATE, body);
      expect(reply.status).toBe(422);
      expect(region.admin.stateByPeer.get("us")).toBe("active");
    },
  );

  test("refuses what a form of another site could send", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const headers = { "Content-Type": type };
      const reply = await region.call("PUT", STATE, { headers, body: '{"state":"paused"}' });
      expect(reply.status).toBe(415);
    }
  });

  test("lists, shows, retries and drops what was set aside", async () => {
    for (const id of [1, 2, 3]) region.admin.records.set(id, { id, bytes: "AQID" });
    const list = await region.call("GET", "/admin/v1/quarantine?limit=2");
    expect(list.json()).toEqual({ total: 3, entries: [{ id: 1 }, { id: 2 }] });
    expect((await region.call("GET", "/admin/v1/quarantine/3")).json()).toMatchObject({ id: 3 });
    const retried = await region.write("POST", "/admin/v1/quarantine/3/retry", {});
    expect(retried.json()).toEqual({ id: 3, outcome: "quarantined", reason: "still bad" });
    expect((await region.call("DELETE", "/admin/v1/quarantine/3")).status).toBe(204);
    expect((await region.call("DELETE", "/admin/v1/quarantine/3")).status).toBe(404);
    expect((await region.call("GET", "/admin/v1/quarantine/3")).status).toBe(404);
    expect((await region.write("POST", "/admin/v1/quarantine/3/retry", {})).status).toBe(404);
  });

  test.each(["0", "-1", "x", "1.5", "9".repeat(16), "%00"])("%s is no record", async (id) => {
    expect((await region.call("GET", `/admin/v1/quarantine/${id}`)).status).toBe(404);
  });

  test.each(["0", "1001", "x", "1&limit=2", ""])("%s is no limit", async (limit) => {
    expect((await region.call("GET", `/admin/v1/quarantine?limit=${limit}`)).status).toBe(400);
  });

  test("verifies once at a time", async () => {
    expect((await region.call("GET", "/admin/v1/verify")).json()).toMatchObject({ state: "never" });
    const started = await region.write("POST", "/admin/v1/verify", {});
    expect(started.status).toBe(202);
    expect(started.json()).toMatchObject({ state: "running" });
    const again = await region.write("POST", "/admin/v1/verify", {});
    expect(again.status).toBe(409);
    expect(again.json()).toMatchObject({ type: "https://atoll.dev/problems/already-running" });
  });

  test.each(["/admin/v1/verify", "/admin/v1/quarantine/1/retry"])(
    "%s takes no form of another site",
    async (path) => {
      region.admin.records.set(1, { id: 1, bytes: "" });
      const headers = { "Content-Type": "text/plain" };
      expect((await region.call("POST", path, { headers, body: "{}" })).status).toBe(415);
      expect((await region.call("POST", path)).status).toBeGreaterThanOrEqual(400);
      expect(region.admin.verifying).toBe(false);
    },
  );

  test("has no profiles", async () => {
    expect((await region.call("GET", "/v1/profiles/ann")).status).toBe(404);
  });
});
