/**
 * What the requests of `examples.ts` were answered, by operation and media type; long ones cut short.
 *
 * Bytes have no example. A test holds each against its schema.
 */
import type { JsonValue } from "@atoll/profile";

export const EXAMPLE_ANSWERS: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> = {
  putProfile: {
    "application/json": {
      displayName: "Ada Lovelace",
      headline: "Analyst of engines",
      location: {
        city: "London",
      },
    },
    "application/vnd.atoll.profile+json": {
      id: "ada",
      etag: "16GwNT4MxP67EFk4Y5K1vg",
      heads: ["4f1e6a0c9b7d3e2f8a5c1b0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f"],
      createdAt: "2026-03-01T12:00:56.759Z",
      updatedAt: "2026-03-01T12:00:56.759Z",
      data: {
        displayName: "Ada Lovelace",
        headline: "Analyst of engines",
        location: {
          city: "London",
        },
      },
    },
  },
  createProfile: {
    "application/json": {
      displayName: "Grace Hopper",
    },
    "application/vnd.atoll.profile+json": {
      id: "01a2038c-9eb0-741b-bfad-decba1c74fda",
      etag: "gsZ90BDZTC_In9CtOlVHtU",
      heads: ["139e9e49be8b9572bab6c70c520c0daa2fe58f4a09cda83486346d9ab46661f0"],
      createdAt: "2026-03-01T12:00:57.040Z",
      updatedAt: "2026-03-01T12:00:57.040Z",
      data: {
        displayName: "Grace Hopper",
      },
    },
  },
  listProfiles: {
    "application/json": {
      items: [
        {
          id: "ada",
          etag: "16GwNT4MxP67EFk4Y5K1vg",
          heads: ["4f1e6a0c9b7d3e2f8a5c1b0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f"],
          createdAt: "2026-03-01T12:00:56.759Z",
          updatedAt: "2026-03-01T12:00:56.759Z",
          data: {
            displayName: "Ada Lovelace",
            location: {
              city: "London",
            },
          },
        },
        {
          id: "01a2038c-9e92-7155-bb5b-2bba896a66b6",
          etag: "-WE9QQsMrSRA_2FRu18qB1",
          heads: ["25a289483aca715208f195490e8dfeb9c97c1be9207fb3a9670afa2a8f6b7fad"],
          createdAt: "2026-03-01T12:00:57.011Z",
          updatedAt: "2026-03-01T12:00:57.011Z",
          data: {
            displayName: "Grace Hopper",
          },
        },
      ],
    },
  },
  queryProfiles: {
    "application/json": {
      items: [
        {
          status: 200,
          id: "ada",
          etag: "16GwNT4MxP67EFk4Y5K1vg",
          heads: ["4f1e6a0c9b7d3e2f8a5c1b0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f"],
          createdAt: "2026-03-01T12:00:56.759Z",
          updatedAt: "2026-03-01T12:00:56.759Z",
          data: {
            displayName: "Ada Lovelace",
          },
        },
        {
          id: "nobody",
          status: 404,
        },
      ],
    },
  },
  getProfile: {
    "application/json": {
      displayName: "Ada Lovelace",
      location: {
        city: "London",
      },
    },
    "application/vnd.atoll.profile+json": {
      id: "ada",
      etag: "16GwNT4MxP67EFk4Y5K1vg",
      heads: ["4f1e6a0c9b7d3e2f8a5c1b0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f"],
      createdAt: "2026-03-01T12:00:56.759Z",
      updatedAt: "2026-03-01T12:00:56.759Z",
      data: {
        displayName: "Ada Lovelace",
        location: {
          city: "London",
        },
      },
    },
  },
  patchProfile: {
    "application/json": {
      bio: "Writes programs.",
      displayName: "Ada Lovelace",
      headline: "Analyst of engines",
      interests: ["engines"],
      links: [
        {
          label: "Notes",
        },
      ],
      location: {
        city: "London",
        country: "GB",
      },
      stats: {
        followers: 1,
      },
    },
    "application/vnd.atoll.profile+json": {
      id: "ada",
      etag: "I168JdmBYwJOZ2sbsPx3t7",
      heads: ["aed9bd26346fc9d312893a1277252d2830b06f7ab0fb39711b3731d2363e2789"],
      createdAt: "2026-03-01T12:00:56.759Z",
      updatedAt: "2026-03-01T12:00:57.369Z",
      data: {
        bio: "Writes programs.",
        displayName: "Ada Lovelace",
        headline: "Analyst of engines",
        interests: ["engines"],
        links: [
          {
            label: "Notes",
          },
        ],
        location: {
          city: "London",
          country: "GB",
        },
        stats: {
          followers: 1,
        },
      },
    },
  },
  getProfileConflicts: {
    "application/json": {
      items: [
        {
          pointer: "/headline",
          winner: "55@7449241200400000c949014ccdaf8966",
          values: [
            {
              opId: "55@7449241200400000c949014ccdaf8966",
              value: "Mathematician",
              writer: {
                hash: "ba3fae36bd74fbe89b633ec283383121cc17360781b9cb649f145a39d2703cd5",
                deps: ["3250e40f0a0460e99fa2e12005e83414565286a698c748b6837e5c26e10ea33d"],
                region: "us-east-1",
                actor: "7449241200400000c949014ccdaf8966",
                seq: 10,
                time: "2026-03-01T12:00:57.552Z",
                message: null,
                principal: null,
              },
            },
            {
              opId: "55@74492412004000001a02c894ac1985ca",
              value: "Poet",
              writer: {
                hash: "a3898c074c18e204600ba70bc2d7cd6b3ff31fd137faa093cfdc0ef52908d7a3",
                deps: [
                  "3250e40f0a0460e99fa2e12005e83414565286a698c748b6837e5c26e10ea33d",
                  "5059261e895037278b410884e20cd9d930240ff74f11bf7462214eda0209c724",
                ],
                region: "us-east-1",
                actor: "74492412004000001a02c894ac1985ca",
                seq: 3,
                time: "2026-03-01T12:00:57.556Z",
                message: null,
                principal: null,
              },
            },
          ],
        },
      ],
    },
  },
  resolveProfileConflict: {
    "application/json": {
      bio: "Writes programs.",
      displayName: "Ada Lovelace",
      headline: "Analyst of engines",
      interests: ["engines"],
      links: [
        {
          label: "Notes",
        },
      ],
      location: {
        city: "London",
        country: "GB",
      },
      stats: {
        followers: 1,
      },
    },
    "application/vnd.atoll.profile+json": {
      id: "ada",
      etag: "ZeAtEyhXnWQUCeGXSArzQe",
      heads: ["643a825cc8a0b4522ee0bfdcf16844d201b3c068ab6d2859cac8bbbc0b9ee344"],
      createdAt: "2026-03-01T12:00:56.759Z",
      updatedAt: "2026-03-01T12:00:57.783Z",
      data: {
        bio: "Writes programs.",
        displayName: "Ada Lovelace",
        headline: "Analyst of engines",
        interests: ["engines"],
        links: [
          {
            label: "Notes",
          },
        ],
        location: {
          city: "London",
          country: "GB",
        },
        stats: {
          followers: 1,
        },
      },
    },
  },
  explainProfileValue: {
    "application/json": {
      pointer: "/headline",
      kind: "register",
      value: "Mathematician",
      rule: "one value wins: of writes that knew of each other the later, of concurrent ones the one whose operation has the larger number, then the larger writer; clocks decide nothing",
      opId: "69@7449241200400000c949014ccdaf8966",
      writer: {
        hash: "851393c4ba81a9c57d9764b1ad05231925bc8583decfcfcdcd6e9f0fc6c81195",
        deps: ["b403ab10c7da087481b5d434d414f548ce6616ded14bad9a24517bcc6573f769"],
        region: "us-east-1",
        actor: "7449241200400000c949014ccdaf8966",
        seq: 24,
        time: "2026-03-01T12:00:57.898Z",
        message: null,
        principal: null,
      },
      losers: [
        {
          opId: "69@74492412004000001a02c894ac1985ca",
          value: "Poet",
          writer: {
            hash: "b19209e28abd742fe59a8113431843aa86ce6f28f7809ac1703456741bd9782f",
            deps: [
              "b403ab10c7da087481b5d434d414f548ce6616ded14bad9a24517bcc6573f769",
              "f111041d3a7df89d6a152b4faa0d562fbcb922664076222171d1b14032b6c0fc",
            ],
            region: "us-east-1",
            actor: "74492412004000001a02c894ac1985ca",
            seq: 10,
            time: "2026-03-01T12:00:57.902Z",
            message: null,
            principal: null,
          },
        },
      ],
      parts: [],
    },
  },
  getProfileHistory: {
    "application/json": {
      items: [
        {
          hash: "084502bf5a4ffd8e4071e9e5fe0c87910ca7f217d63093557ce7b62e0f4f6f57",
          deps: [
            "851393c4ba81a9c57d9764b1ad05231925bc8583decfcfcdcd6e9f0fc6c81195",
            "b19209e28abd742fe59a8113431843aa86ce6f28f7809ac1703456741bd9782f",
          ],
          region: "us-east-1",
          actor: "7449241200400000c949014ccdaf8966",
          seq: 25,
          time: "2026-03-01T12:00:58.013Z",
          message: null,
          principal: null,
          opCount: 1,
        },
        {
          hash: "b19209e28abd742fe59a8113431843aa86ce6f28f7809ac1703456741bd9782f",
          deps: [
            "b403ab10c7da087481b5d434d414f548ce6616ded14bad9a24517bcc6573f769",
            "f111041d3a7df89d6a152b4faa0d562fbcb922664076222171d1b14032b6c0fc",
          ],
          region: "us-east-1",
          actor: "74492412004000001a02c894ac1985ca",
          seq: 10,
          time: "2026-03-01T12:00:57.902Z",
          message: null,
          principal: null,
          opCount: 1,
        },
      ],
      nextPageToken: "57.c3d740f18b7867b46b1eb330312d6a0e452c1f1c5430ebed1716e30d4d63be10",
    },
  },
  getProfileDiff: {
    "application/json-patch+json": [
      {
        op: "add",
        path: "/bio",
        value: "Writes programs.",
      },
      {
        op: "add",
        path: "/interests",
        value: ["engines"],
      },
      {
        op: "add",
        path: "/links",
        value: [
          {
            label: "Notes",
          },
        ],
      },
      {
        op: "add",
        path: "/location/country",
        value: "GB",
      },
    ],
    "application/vnd.atoll.patches+json": [
      {
        action: "splice",
        path: ["bio", 0],
        value: "Writes programs.",
      },
      {
        action: "put",
        path: ["location", "country"],
        value: "GB",
      },
    ],
  },
  revertProfile: {
    "application/json": {
      bio: "Writes programs.",
      displayName: "Ada Lovelace",
      headline: "Analyst of engines",
      interests: ["engines"],
      links: [
        {
          label: "Notes",
        },
      ],
      location: {
        city: "London",
        country: "GB",
      },
      stats: {
        followers: 1,
      },
    },
    "application/vnd.atoll.profile+json": {
      id: "ada",
      etag: "Cfmex0XtwoIXttRcj5-YGj",
      heads: ["d0393205b38cd8bfb9e010125d15c120e24dc1a8f22dccfdef2ee25fb1c3d6fd"],
      createdAt: "2026-03-01T12:00:56.759Z",
      updatedAt: "2026-03-01T12:00:58.167Z",
      data: {
        bio: "Writes programs.",
        displayName: "Ada Lovelace",
        headline: "Analyst of engines",
        interests: ["engines"],
        links: [
          {
            label: "Notes",
          },
        ],
        location: {
          city: "London",
          country: "GB",
        },
        stats: {
          followers: 1,
        },
      },
    },
  },
  batchGetProfiles: {
    "application/json": {
      items: [
        {
          status: 200,
          id: "ada",
          etag: "Cfmex0XtwoIXttRcj5-YGj",
          heads: ["d0393205b38cd8bfb9e010125d15c120e24dc1a8f22dccfdef2ee25fb1c3d6fd"],
          createdAt: "2026-03-01T12:00:56.759Z",
          updatedAt: "2026-03-01T12:00:58.167Z",
          data: {
            displayName: "Ada Lovelace",
          },
        },
        {
          id: "nobody",
          status: 404,
        },
      ],
    },
  },
  batchWriteProfiles: {
    "application/json": {
      items: [
        {
          status: 200,
          id: "alan",
          etag: "LasB_AnOdu-nQU4yR_1A4P",
          heads: ["0c7f1f94a29fbe1473b6ecf5842cd3d66099fbbb958e76405f368b40d6fea076"],
          createdAt: "2026-03-01T12:00:58.300Z",
          updatedAt: "2026-03-01T12:00:58.300Z",
          data: {
            displayName: "Alan Turing",
          },
        },
        {
          status: 200,
          id: "ada",
          etag: "0SnEssnS04aFXO7jD6Q-3S",
          heads: ["4b19b660acb0017828365a7a5141781984583889a80d0f1f2f3ea2f10b0a1812"],
          createdAt: "2026-03-01T12:00:56.759Z",
          updatedAt: "2026-03-01T12:00:58.302Z",
          data: {
            bio: "Writes programs.",
            displayName: "Ada Lovelace",
            headline: "Analyst of engines",
            interests: ["engines"],
            links: [
              {
                label: "Notes",
              },
            ],
            location: {
              city: "London",
              country: "GB",
            },
            pronouns: "she/her",
            stats: {
              followers: 1,
            },
          },
        },
      ],
    },
  },
  getChanges: {
    "application/json": {
      events: [
        {
          cursor: "2.25a28948",
          type: "change",
          id: "01a2038c-9e92-7155-bb5b-2bba896a66b6",
          region: "us-east-1",
          writtenAt: "2026-03-01T12:00:57.011Z",
          etag: '"-WE9QQsMrSRA_2FRu18qB1"',
          conflicts: false,
          data: {
            displayName: "Grace Hopper",
          },
        },
        {
          cursor: "3.7946f3c2",
          type: "change",
          id: "01a2038c-9e9f-75db-a65a-4ea948f512d5",
          region: "us-east-1",
          writtenAt: "2026-03-01T12:00:57.023Z",
          etag: '"6JtBWNqCYvXrUlj1YZHEfv"',
          conflicts: false,
          data: {
            displayName: "Grace Hopper",
          },
        },
      ],
      cursor: "3.7946f3c2",
      more: true,
    },
    "application/x-ndjson":
      '{"cursor":"2.25a28948","type":"change","id":"01a2038c-9e92-7155-bb5b-2bba896a66b6","region":"us-east-1","writtenAt":"2026-03-01T12:00:57.011Z","etag":"\\"-WE9QQsMrSRA_2FRu18qB1\\"","conflicts":false,"data":{"displayName":"Grace Hopper"}}\n',
    "text/event-stream":
      'retry: 2000\n\nid: 2.25a28948\nevent: change\ndata: {"cursor":"2.25a28948","type":"change","id":"01a2038c-9e92-7155-bb5b-2bba896a66b6","region":"us-east-1","writtenAt":"2026-03-01T12:00:57.011Z","etag":"\\"-WE9QQsMrSRA_2FRu18qB1\\"","conflicts":false,"data":{"displayName":"Grace Hopper"}}\n\n',
  },
  getProfileSchema: {
    "application/schema+json": {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "Social profile",
      type: "object",
      properties: {
        displayName: {
          type: "string",
          description: "The name that others see.",
          maxLength: 200,
          examples: ["Ada Lovelace"],
        },
      },
    },
  },
  getRegions: {
    "application/json": {
      region: "us-east-1",
      regions: [
        {
          name: "us-east-1",
          endpoint: null,
          link: "self",
          lagMs: 0,
        },
        {
          name: "eu-west-1",
          endpoint: "http://10.0.0.2:7101",
          link: "live",
          lagMs: 120,
        },
        {
          name: "ap-northeast-1",
          endpoint: null,
          link: "down",
          lagMs: null,
        },
      ],
    },
  },
  getOpenapiJson: {
    "application/json": {
      openapi: "3.1.1",
      info: {
        title: "Atoll",
        version: "1",
      },
    },
  },
  getOpenapiYaml: {
    "application/yaml": "openapi: 3.1.1\n",
  },
  getDocs: {
    "text/html": "<!doctype html>…",
  },
  getProfileSchemaVersions: {
    "application/json": {
      items: [
        {
          version: 1,
          containers: [{ pointer: "/bio", kind: "text" }],
          current: true,
        },
      ],
    },
  },
  getStarted: {
    "text/plain": "ok",
  },
  getLive: {
    "text/plain": "ok",
  },
  getReady: {
    "text/plain": "[+]running ok\n[+]storage ok\n[+]identity ok\nreadyz check passed\n",
  },
};
