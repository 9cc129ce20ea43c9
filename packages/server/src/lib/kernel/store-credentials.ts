/** How requests to an object store are signed. `default-chain`: the AWS SDK finds credentials by itself. */
export type StoreCredentials =
  | { readonly kind: "default-chain" }
  | { readonly kind: "profile"; readonly profile: string }
  | {
      readonly kind: "static";
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    };
