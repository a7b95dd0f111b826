/** The profiles of the HTTP benches: who they are, and what is said of them. */
import type { ProfileId } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";

export function httpProfileId(n: number): ProfileId {
  return `person-${n}` as ProfileId;
}

/** About 700 bytes, as profiles are. */
export function httpProfile(n: number): JsonObject {
  return {
    displayName: `Person ${n}`,
    headline: `Has said ${n} things so far`,
    bio: "Grew up by the sea, studied the tides, and has been measuring things ever since. ".repeat(
      3,
    ),
    location: { city: `Town ${n % 500}`, country: "Somewhere" },
    website: `https://example.com/people/${n}`,
    skills: ["measuring", "patience", `skill ${n % 50}`],
    experience: [
      { company: `Company ${n % 90}`, title: "Keeper of the clock", from: 2019 },
      { company: `Company ${n % 70}`, title: "Reader of the gauge", from: 2014 },
    ],
  };
}
