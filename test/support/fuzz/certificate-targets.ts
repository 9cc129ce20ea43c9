import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { sanitizeHwid } from "@eet/protocol";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  Certificate,
  type DirectoryString,
  Name,
  RelativeDistinguishedName,
} from "@peculiar/asn1-x509";
import { ConfigError } from "../../../packages/server/src/lib/kernel/errors.ts";
import { readClientCertificate } from "../../../packages/server/src/lib/listening/client-certificate.ts";
import { parseRevocationList } from "../../../packages/server/src/lib/listening/revocation-list.ts";
import { makeTlsMaterial } from "../../../packages/server/src/lib/listening/tls-material.ts";
import { Authority, type MadeCertificate } from "../certificates.ts";
import { attempt, bytesTarget, type FuzzTarget, textTarget } from "./fuzz-target.ts";

const commonName = "2.5.4.3";
const pemBody = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END/;

/** What stands in the first block of a PEM file. */
function derOf(pem: string): Buffer {
  return Buffer.from(pemBody.exec(pem)?.[2] ?? "", "base64");
}

function pemOf(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
}

/** What the server makes of a certificate with which somebody has opened a connection. */
function readShown(x509: X509Certificate) {
  const socket = { getPeerX509Certificate: () => x509, authorized: true };
  const read = readClientCertificate(socket as unknown as TLSSocket, "");
  assert.ok(read !== undefined && read.fault === undefined && read.name.length <= 80);
  assert.ok(read.hwid === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(read.hwid), read.hwid);
  return read;
}

/** The same certificate for others; its signature is wrong then, which OpenSSL looks at. */
function withNames(der: Uint8Array, names: readonly Partial<DirectoryString>[]): Buffer {
  const certificate = AsnConvert.parse(der, Certificate);
  const parts = names.map((name) => new AttributeTypeAndValue({ type: commonName, value: new AttributeValue(name) }));
  certificate.tbsCertificate.subject = new Name(parts.map((part) => new RelativeDistinguishedName([part])));
  return Buffer.from(AsnConvert.serialize(certificate));
}

/** The same certificate with a public key that is no point of its curve. */
function withBrokenKey(der: Uint8Array): Buffer {
  const certificate = AsnConvert.parse(der, Certificate);
  certificate.tbsCertificate.subjectPublicKeyInfo.subjectPublicKey = new ArrayBuffer(65);
  return Buffer.from(AsnConvert.serialize(certificate));
}

function createNameTarget(device: MadeCertificate): FuzzTarget {
  const der = derOf(device.cert);
  return textTarget({
    name: "readClientCertificate: common names",
    weight: 0.7,
    seeds: ["mic-1", "AA:BB:CC", "mic-1\0.evil", "mic-1\nCN=mic-2", "echo", "a|b", "mic-1|", "x".repeat(65)],
    maxBytes: 100,
    check: (text) => {
      const names = text.split("|").map((name) => name.toWellFormed());
      const x509 = attempt(
        () =>
          new X509Certificate(
            withNames(
              der,
              names.map((utf8String) => ({ utf8String })),
            ),
          ),
        Error,
      );
      if (x509 === undefined) return;
      const { hwid } = readShown(x509);
      // Nobody becomes the device that only a part of the name is of, or one of several names.
      assert.equal(hwid, names.length === 1 ? sanitizeHwid(names[0] ?? "") : undefined);
    },
  });
}

function createCertificateTarget(devices: readonly MadeCertificate[]): FuzzTarget {
  const ders = devices.map(({ cert }) => derOf(cert));
  const kinds = ["utf8String", "printableString", "bmpString", "universalString", "teletexString"] as const;
  const broken = withBrokenKey(ders[0] ?? Buffer.alloc(0));
  const named = kinds.map((kind) => withNames(ders[0] ?? Buffer.alloc(0), [{ [kind]: "mic-1" }]));
  return bytesTarget({
    name: "readClientCertificate: certificates",
    weight: 4,
    seeds: [...ders, ...named, broken],
    property: () => {
      for (const each of named) assert.equal(readShown(new X509Certificate(each)).hwid, "mic-1");
      // Node's legacy object ends the process with it.
      assert.equal(readShown(new X509Certificate(broken)).hwid, "mic-1");
      const both = withNames(ders[0] ?? Buffer.alloc(0), [{ utf8String: "mic-1" }, { printableString: "mic-2" }]);
      assert.equal(readShown(new X509Certificate(both)).hwid, undefined);
    },
    check: (bytes) => {
      const x509 = attempt(() => new X509Certificate(bytes), Error);
      if (x509 !== undefined) readShown(x509);
    },
  });
}

function createRevocationTarget(lists: readonly string[], taken: MadeCertificate, kept: MadeCertificate): FuzzTarget {
  const [revoked, good] = [taken, kept].map(({ cert }) => new X509Certificate(cert));
  assert.ok(revoked !== undefined && good !== undefined);
  return bytesTarget({
    name: "parseRevocationList",
    weight: 2,
    seeds: lists.map(derOf),
    property: () => {
      const list = parseRevocationList(lists.join("other text\n"));
      assert.ok(list.has(revoked) && !list.has(good));
    },
    check: (bytes) => {
      const list = attempt(() => parseRevocationList(pemOf("X509 CRL", bytes)), Error);
      if (list === undefined) return;
      assert.ok(list.endMs === undefined || Number.isFinite(list.endMs), `it ends at ${list.endMs}`);
      for (const each of [revoked, good]) assert.equal(typeof list.has(each), "boolean");
    },
  });
}

/** Files of TLS, of which some are changed. */
function createMaterialTarget(texts: Readonly<Record<"cert" | "key" | "clientCa" | "clientCrl", string>>): FuzzTarget {
  const names = ["cert", "key", "clientCa", "clientCrl"] as const;
  return textTarget({
    name: "makeTlsMaterial: files of TLS",
    weight: 1,
    seeds: names.map((name) => texts[name]),
    maxBytes: 4_096,
    check: (text) => {
      for (const name of names) {
        const files = names.map((each) => [each, { path: each, text: each === name ? text : texts[each] }] as const);
        const made = attempt(() => makeTlsMaterial(Object.fromEntries(files) as never), ConfigError);
        if (made !== undefined) assert.ok(made.certificate.checkPrivateKey !== undefined);
      }
    },
  });
}

/** What reads certificates and lists of those that are taken back. */
export async function createCertificateTargets(): Promise<readonly FuzzTarget[]> {
  const authority = await Authority.make("Devices");
  const taken = await authority.device("mic-1");
  const kept = await authority.device("mic-2", { subject: "CN=mic-2, O=Example" });
  const { cert, key } = await authority.server();
  const lists = [
    await authority.revoke([taken]),
    await authority.revoke([]),
    await authority.revoke([taken, kept].slice(0, 1), 900),
  ];
  return [
    createNameTarget(taken),
    createCertificateTarget([taken, kept]),
    createRevocationTarget(lists, taken, kept),
    createMaterialTarget({ cert, key, clientCa: authority.pem, clientCrl: lists[0] ?? "" }),
  ];
}
