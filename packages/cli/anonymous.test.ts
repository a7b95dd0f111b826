import { expect, test } from "vitest";
import { SeededRandom } from "@atoll/core";
import { Anonymizer } from "./anonymous.ts";

const anonymous = new Anonymizer(new SeededRandom("bundle"));

test("the same profile is the same hash wherever it is named, and another in another bundle", () => {
  const name = anonymous.name("ada");
  expect(name).toMatch(/^anon-[0-9a-f]{16}$/);
  expect(anonymous.value({ profileId: "ada" })).toEqual({ profileId: name });
  expect(anonymous.text("GET /v1/profiles/ada?x=1")).toBe(`GET /v1/profiles/${name}?x=1`);
  expect(anonymous.text("/v1/profiles/%61da/history")).toBe(`/v1/profiles/${name}/history`);
  expect(new Anonymizer(new SeededRandom("other")).name("ada")).not.toBe(name);
});

test("neither secrets nor names of profiles are left anywhere, and the rest stays as it is", () => {
  const value = {
    region: "eu-west-1",
    counts: { documents: 3 },
    cluster: { id: "prod", secretFile: "/etc/secret-place" },
    entries: [{ id: 7, docId: "00ff", profileId: "acme/ada", reason: "bad", at: null }],
    detail: "PUT /admin/v1/documents/00ff/content with Bearer atoll_x_y",
    apiToken: "atoll_x_y",
  };
  const shown = anonymous.value(value);
  const text = JSON.stringify(shown);
  for (const hidden of ["ada", "00ff", "secret-place", "atoll_x_y"])
    expect(text).not.toContain(hidden);
  expect(shown).toMatchObject({
    region: "eu-west-1",
    counts: { documents: 3 },
    cluster: { id: "prod" },
    entries: [{ id: 7, reason: "bad", at: null }],
  });
});

test("a line of a log is looked through whether or not it is JSON", () => {
  expect(anonymous.line('{"event":"x","profileId":"ada"}')).toBe(
    JSON.stringify({ event: "x", profileId: anonymous.name("ada") }),
  );
  expect(anonymous.line("plain /v1/profiles/ada text")).not.toContain("ada ");
});
