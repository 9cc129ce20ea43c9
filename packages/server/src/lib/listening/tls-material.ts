import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { ConfigError, systemErrorCode, toError } from "../kernel/errors.ts";
import { emptyRevocationList, parseRevocationList, type RevocationList } from "./revocation-list.ts";

/** Settings that name the files of TLS. */
export const tlsFileKeys = {
  cert: "Server:TlsCert",
  key: "Server:TlsKey",
  clientCa: "Server:TlsClientCa",
  clientCrl: "Server:TlsClientCrl",
} as const;

/** Which file of TLS. */
export type TlsFileName = keyof typeof tlsFileKeys;

/** A file of TLS, as read. */
export interface TlsFile {
  readonly path: string;
  readonly text: string;
}

/** The files of TLS; those of devices' certificates are there where these are asked for. */
export interface TlsFiles {
  readonly cert: TlsFile;
  readonly key: TlsFile;
  readonly clientCa?: TlsFile | undefined;
  readonly clientCrl?: TlsFile | undefined;
}

/** What TLS is spoken with. */
export interface TlsMaterial {
  readonly files: TlsFiles;
  /** The server's own. */
  readonly certificate: X509Certificate;
  readonly clientAuthorities: readonly X509Certificate[];
  readonly revocations: RevocationList;
  /** For `createServer` and `setSecureContext` of node:tls. */
  readonly context: SecureContextOptions;
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;

/**
 * Checks that the files fit each other and that OpenSSL takes them.
 *
 * @throws ConfigError `TLS_UNUSABLE` that names the file, what is wrong with it and what to do
 */
export function makeTlsMaterial(files: TlsFiles): TlsMaterial {
  const { cert, key, clientCa, clientCrl } = files;
  const [certificate, ...others] = readCertificates("cert", cert);
  if (certificate === undefined) throw unusable("cert", cert, "it holds no certificate");
  checkKey(certificate, others, cert, key);
  const clientAuthorities = clientCa === undefined ? [] : readCertificates("clientCa", clientCa);
  const noAuthority = clientAuthorities.find(({ ca }) => !ca);
  if (clientCa !== undefined && noAuthority !== undefined) {
    throw unusable("clientCa", clientCa, `${quoteSubject(noAuthority)} is no authority (CA:TRUE is missing)`);
  }
  const revocations = clientCrl === undefined ? emptyRevocationList : readRevocations(clientCrl);
  const context: SecureContextOptions = {
    cert: cert.text,
    key: key.text,
    minVersion: "TLSv1.2",
    // A resumed session would bring a certificate that was looked at long ago.
    ...(clientCa !== undefined && { ca: clientAuthorities.map(String), secureOptions: constants.SSL_OP_NO_TICKET }),
    ...(clientCrl !== undefined && { crl: clientCrl.text }),
  };
  try {
    createSecureContext(context);
  } catch (thrown) {
    throw unusable("cert", cert, `OpenSSL refuses it: ${toError(thrown).message}`);
  }
  return { files, certificate, clientAuthorities, revocations, context };
}

function readCertificates(name: TlsFileName, file: TlsFile): readonly X509Certificate[] {
  const blocks = file.text.match(certificateBlock) ?? [];
  if (blocks.length === 0) {
    throw unusable(name, file, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (thrown) {
    throw unusable(name, file, `a certificate in it cannot be read: ${toError(thrown).message}`);
  }
}

function checkKey(certificate: X509Certificate, others: readonly X509Certificate[], cert: TlsFile, key: TlsFile): void {
  const privateKey = readKey(key);
  if (certificate.checkPrivateKey(privateKey)) return;
  if (others.some((other) => other.checkPrivateKey(privateKey))) {
    throw unusable("cert", cert, "the certificate of the key has to stand first, its intermediates behind it");
  }
  throw unusable("key", key, `it is the key of another certificate than that in ${cert.path}`);
}

function readKey(key: TlsFile): KeyObject {
  try {
    return createPrivateKey(key.text);
  } catch (thrown) {
    const isLocked = systemErrorCode(thrown) === "ERR_MISSING_PASSPHRASE";
    const locked = "it is locked with a passphrase; write it without one (`openssl pkey -in locked.pem -out key.pem`)";
    throw unusable("key", key, isLocked ? locked : "it holds no private key in PEM form");
  }
}

function readRevocations(file: TlsFile): RevocationList {
  try {
    return parseRevocationList(file.text);
  } catch (thrown) {
    throw unusable("clientCrl", file, toError(thrown).message);
  }
}

/** An error about one of the files. */
export function unusable(name: TlsFileName, { path }: Pick<TlsFile, "path">, detail: string): ConfigError {
  return new ConfigError("TLS_UNUSABLE", `${tlsFileKeys[name]}: ${path}: ${detail}`);
}

function quoteSubject({ subject }: X509Certificate): string {
  return JSON.stringify(subject.replaceAll("\n", ", "));
}
