import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import fc from "fast-check";
import { readCookie, sessionCookie } from "../../../packages/server/src/lib/access/access.ts";
import { OidcRoles, readClaim, readName } from "../../../packages/server/src/lib/access/oidc-roles.ts";
import { type OidcTicket, OidcTickets, ticketTtlS } from "../../../packages/server/src/lib/access/oidc-ticket.ts";
import { ConfigError } from "../../../packages/server/src/lib/kernel/errors.ts";
import { forwardedAddressOf } from "../../../packages/server/src/lib/kernel/forwarded-client.ts";
import { parseRoleMap, type Role, roles } from "../../../packages/server/src/lib/kernel/role-map.ts";
import { TrustedProxies } from "../../../packages/server/src/lib/listening/trusted-proxies.ts";
import { attempt, type FuzzTarget, jsonTarget, textTarget } from "./fuzz-target.ts";

const host = "eet.example.org";
const proxies = new TrustedProxies("10.0.0.0/8, ::1, 2001:db8::/32");
const trustedPeers = ["10.1.2.3", "::ffff:10.1.2.3", "::1", "2001:db8::7"];
const otherPeers = ["203.0.113.9", "fe80::1", "", undefined];
const forwardedNames = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] as const;

/** A request as node gives it to who looks at it first. */
function requestOf(remoteAddress: string | undefined, given: Readonly<Record<string, string>>): IncomingMessage {
  return { headers: { host, ...given }, socket: { remoteAddress } } as unknown as IncomingMessage;
}

/** What a header with a list says, as its writers meant it. */
function entriesOf(header: string | undefined): readonly string[] {
  return (header ?? "").split(",").map((entry) => entry.trim());
}

function checkTrusted(peer: string, given: Readonly<Record<string, string>>): void {
  const request = requestOf(peer, given);
  assert.equal(proxies.settle(request), false);
  const address = forwardedAddressOf(request);
  if (address !== undefined) {
    assert.notEqual(isIP(address), 0, `${address} is no address`);
    const named = entriesOf(given["x-forwarded-for"]).map((entry) =>
      entry.replace(/^(?:\[(.*)\](?::\d+)?|([\d.]+):\d+)$/, "$1$2"),
    );
    assert.ok([peer, ...named].includes(address), `nobody named ${address}`);
  }
  const named = entriesOf(given["x-forwarded-host"]).at(-1);
  assert.equal(request.headers.host, named || host);
}

function checkUntrusted(peer: string | undefined, given: Readonly<Record<string, string>>): void {
  const request = requestOf(peer, given);
  assert.equal(proxies.settle(request), Object.keys(given).length > 0);
  assert.equal(forwardedAddressOf(request), undefined);
  assert.deepEqual(request.headers, { host });
}

const forwardedTarget = textTarget({
  name: "TrustedProxies.settle: X-Forwarded-For, -Host and -Proto",
  weight: 5,
  seeds: [
    ...[
      "203.0.113.7",
      "203.0.113.7, 10.0.0.2",
      "2001:4860::1,::1|a.example",
      "1.2.3.4:5678|eet.lan:80|https",
      "unknown",
    ],
    ...[
      "_hidden, [2001:4860::1]:443, 10.9.9.9",
      "::ffff:198.51.100.4|evil.example, eet.lan",
      "fe80::1%eth0",
      "dead.beef",
    ],
  ],
  maxBytes: 400,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), (client, forged) => {
        fc.pre(!proxies.isTrusted(client, 0));
        const request = requestOf("10.0.0.1", { "x-forwarded-for": `${forged}, ${client}, 10.0.0.2` });
        proxies.settle(request);
        assert.equal(forwardedAddressOf(request), client);
      }),
      parameters,
    ),
  check: (text) => {
    const parts = text.split("|");
    const given = Object.fromEntries(
      forwardedNames.flatMap((name, at) => (parts[at] === undefined ? [] : [[name, parts[at]]])),
    );
    for (const peer of trustedPeers) checkTrusted(peer, given);
    for (const peer of otherPeers) checkUntrusted(peer, given);
  },
});

const proxyListTarget = textTarget({
  name: "TrustedProxies: lists of networks",
  weight: 5,
  seeds: ["10.0.0.0/8, ::1", "192.168.1.4", "2001:db8::/32", "10.0.0.0/255.0.0.0", "loopback", "::ffff:10.0.0.0/104"],
  maxBytes: 120,
  check: (text) => {
    const list = attempt(() => new TrustedProxies(text), ConfigError);
    if (list === undefined) return;
    assert.equal(
      list.areThereAny,
      entriesOf(text).some((entry) => entry !== ""),
    );
    for (const peer of [...trustedPeers, "", "10.0.0.1.example.org"]) {
      assert.equal(typeof list.isTrusted(peer, 0), "boolean");
    }
    assert.equal(list.isTrusted("", 0), false);
  },
});

const cookieValue = fc.stringMatching(/^[\w.~-]{1,80}$/);

const cookieTarget = textTarget({
  name: "readCookie",
  seeds: [
    "eet_session=abc",
    "a=b; eet_session=abc.def; c=d",
    "xeet_session=1;eet_session=2",
    "eet_session=a; eet_session=b",
  ],
  maxBytes: 400,
  property: (parameters) =>
    fc.assert(
      fc.property(cookieValue, fc.array(cookieValue, { maxLength: 4 }), (value, others) => {
        const pairs = others.map((other, at) => `c${at}=${other}`);
        assert.equal(readCookie(pairs.join("; "), sessionCookie), undefined);
        assert.equal(readCookie([...pairs, `${sessionCookie}=${value}`, ...pairs].join("; "), sessionCookie), value);
      }),
      parameters,
    ),
  check: (text) => {
    const pairs = text.split(";").map((pair) => pair.trim());
    const own = pairs.find((pair) => pair.includes("=") && pair.slice(0, pair.indexOf("=")) === sessionCookie);
    assert.equal(readCookie(text, sessionCookie), own?.slice(own.indexOf("=") + 1));
  },
});

const ticket: OidcTicket = {
  ...{ state: "st", nonce: "no", verifier: "ve", redirectUri: "https://eet.example.org/api/v1/oidc/callback" },
  next: "/device/mic-1",
};

/** What a browser brings back of a login that is under way. */
async function createTicketTarget(): Promise<FuzzTarget> {
  let nowMs = 1_772_323_200_000;
  const tickets = new OidcTickets(() => nowMs);
  const others = new OidcTickets(() => nowMs);
  const sealed = await tickets.seal(ticket);
  const foreign = await others.seal({ ...ticket, next: "/foreign" });
  return textTarget({
    name: "OidcTickets: what was sealed here comes back, nothing else, and not for ever",
    weight: 0.7,
    seeds: [sealed, sealed, foreign, "eyJhbGciOiJub25lIn0.e30.", "....", "a.b.c.d.e"],
    check: async (text) => {
      const opened = await tickets.open(text);
      if (opened !== undefined) assert.deepEqual(opened, ticket);
      assert.equal(await others.open(sealed), undefined);
      const next = text.toWellFormed();
      const own = await tickets.seal({ ...ticket, next });
      assert.deepEqual(await tickets.open(own), { ...ticket, next });
      nowMs += ticketTtlS * 1000 + 1;
      assert.equal(await tickets.open(own), undefined);
      nowMs -= ticketTtlS * 1000 + 1;
    },
  });
}

const roleOfValue: ReadonlyMap<string, Role> = new Map([
  ["eet-admins", "admin"],
  ["staff", "viewer"],
]);
const issuer = "https://id.example.org";
const people = new OidcRoles({ issuer, roleOfValue });
const claimNames = [
  "groups",
  "email",
  "realm_access.roles",
  "https://a.b/c",
  "__proto__",
  "constructor.name",
  "a..b",
  "",
];

const claimTarget = jsonTarget({
  name: "readClaim, readName, OidcRoles: what a provider says of a person",
  weight: 20,
  seeds: [
    { sub: "1", preferred_username: "ann", groups: ["staff", "eet-admins"], email: "a@b", email_verified: true },
    { sub: "2", name: "Bo\nB.", groups: "staff", email: "a@b", realm_access: { roles: ["staff", "*"] } },
    { sub: "3", "https://a.b/c": ["*"], a: { "": { b: ["eet-admins"] } }, groups: [["staff"], 1, null] },
  ],
  check: (text) => {
    const claims: unknown = attempt(() => JSON.parse(text), SyntaxError);
    if (typeof claims !== "object" || claims === null) return;
    const said = claims as Readonly<Record<string, unknown>>;
    for (const name of claimNames) checkClaim(said, name);
    const called = readName(said);
    assert.ok(called.length <= 100 && !/\p{Cc}/u.test(called), JSON.stringify(called));
  },
});

function checkClaim(claims: Readonly<Record<string, unknown>>, name: string): void {
  const values = readClaim(claims, name);
  if (values === undefined) return;
  assert.ok(values.length <= 1_000);
  for (const value of values) assert.ok(typeof value === "string" && value.length <= 500 && value !== "*");
  if (name === "email" && claims["email_verified"] !== true) assert.deepEqual(values, []);
  const person = { issuer, subject: "1", groups: values };
  const known = values.filter((value) => roleOfValue.has(value));
  const wanted = known.includes("eet-admins") ? "admin" : known.length > 0 ? "viewer" : undefined;
  assert.equal(people.roleOf(person), wanted);
  assert.deepEqual(people.narrow(person).groups, known);
  assert.equal(people.roleOf({ ...person, issuer: "https://evil.example" }), undefined);
}

const roleMapTarget = textTarget({
  name: "parseRoleMap",
  seeds: [
    "eet-admins=admin; staff=viewer",
    "*=operator",
    "CN=x,OU=y=admin",
    "a=admin;a=viewer",
    " a = admin ;",
    "a=root",
  ],
  maxBytes: 6_000,
  check: (text) => {
    const map = parseRoleMap(text);
    if (map === undefined) return;
    assert.ok(map.size > 0 && text.length <= 4_000);
    for (const [value, role] of map) {
      assert.ok(roles.includes(role));
      assert.ok(value !== "" && value === value.trim() && !value.includes(";"));
    }
    const again = parseRoleMap([...map].map((entry) => entry.join("=")).join(";"));
    assert.deepEqual(again, map);
  },
});

/** What tells who somebody is, besides tokens and certificates. */
export async function createAccessTargets(): Promise<readonly FuzzTarget[]> {
  return [
    ...[forwardedTarget, proxyListTarget, cookieTarget, await createTicketTarget()],
    ...[claimTarget, roleMapTarget],
  ];
}
