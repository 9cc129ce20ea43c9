// Certificates as authorities make them: real keys, real signatures, made anew for each test.
import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;

/** A certificate and its key, in PEM form. */
export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
  readonly serial: string;
}

export interface CertificateOptions {
  /** Days from now; default -1. */
  readonly fromD?: number;
  /** Days from now; default 90. */
  readonly untilD?: number;
  /** Default: the name of devices' certificates, localhost and 127.0.0.1 of servers'. */
  readonly subject?: string;
}

/** An authority that signs certificates and takes them back. */
export class Authority {
  readonly certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  #serial = 0x80;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = certificate;
    this.#keys = keys;
  }

  static async make(name: string): Promise<Authority> {
    const keys = await makeKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      ...{ serialNumber: "01", name: `CN=${name}`, signingAlgorithm: algorithm, keys },
      ...timesOf({ untilD: 365 }),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    return new Authority(certificate, keys);
  }

  get pem(): string {
    return `${this.certificate.toString("pem")}\n`;
  }

  /** For a server at localhost, eet.example.org and 127.0.0.1. */
  server(options: CertificateOptions = {}): Promise<MadeCertificate> {
    const names = new SubjectAlternativeNameExtension([
      { type: "dns", value: "localhost" },
      { type: "dns", value: "eet.example.org" },
      { type: "ip", value: "127.0.0.1" },
    ]);
    return this.#sign("CN=localhost", ExtendedKeyUsage.serverAuth, [names], options);
  }

  /** For a device. */
  device(hwid: string, options: CertificateOptions = {}): Promise<MadeCertificate> {
    return this.#sign(`CN=${hwid}`, ExtendedKeyUsage.clientAuth, [], options);
  }

  /** The list of what is taken back. @param untilD - days from now */
  async revoke(certificates: readonly MadeCertificate[], untilD = 7): Promise<string> {
    const list = await X509CrlGenerator.create({
      issuer: this.certificate.subject,
      thisUpdate: new Date(Date.now() - dayMs * 8),
      nextUpdate: new Date(Date.now() + untilD * dayMs),
      signingAlgorithm: algorithm,
      signingKey: this.#keys.privateKey,
      entries: certificates.map(({ serial }) => ({ serialNumber: serial, revocationDate: new Date() })),
    });
    // As OpenSSL writes it; the library has another name for it.
    return `${PemConverter.encode(list.rawData, "X509 CRL")}\n`;
  }

  async #sign(
    subject: string,
    usage: ExtendedKeyUsage,
    extensions: readonly SubjectAlternativeNameExtension[],
    options: CertificateOptions,
  ): Promise<MadeCertificate> {
    const keys = await makeKeys();
    this.#serial += 1;
    const serial = `00${this.#serial.toString(16)}`;
    const made = await X509CertificateGenerator.create({
      serialNumber: serial,
      subject: options.subject ?? subject,
      issuer: this.certificate.subject,
      ...timesOf(options),
      signingAlgorithm: algorithm,
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      extensions: [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...extensions,
      ],
    });
    return { cert: `${made.toString("pem")}\n`, key: await exportKey(keys), serial };
  }
}

/** Writes a certificate and its key as a server is given them. @returns its flags */
export async function writeServerFiles(folder: string, { cert, key }: MadeCertificate): Promise<TlsFlags> {
  const flags = { "tls-cert": join(folder, "server.pem"), "tls-key": join(folder, "server.key") };
  await writeFile(flags["tls-key"], key);
  await writeFile(flags["tls-cert"], cert);
  return flags;
}

/** Flags of a server, without dashes. */
export interface TlsFlags extends Readonly<Record<string, string>> {
  readonly "tls-cert": string;
  readonly "tls-key": string;
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

async function exportKey({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY")}\n`;
}

function timesOf({ fromD = -1, untilD = 90 }: CertificateOptions): {
  readonly notBefore: Date;
  readonly notAfter: Date;
} {
  return { notBefore: new Date(Date.now() + fromD * dayMs), notAfter: new Date(Date.now() + untilD * dayMs) };
}
