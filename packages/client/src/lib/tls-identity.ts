/** Whom a device trusts over `wss:`, and what it shows of itself; texts in PEM form. For Node: browsers have their own. */
export interface TlsIdentity {
  /** Authorities of the server's certificate, instead of the well-known ones. */
  readonly ca?: string;
  /** The device's own certificate, intermediates behind it, where the server asks for one; `key` belongs to it. */
  readonly cert?: string;
  readonly key?: string;
}
