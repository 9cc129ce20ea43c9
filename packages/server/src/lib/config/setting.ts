import type { Static, TSchema } from "typebox";

/** Object stores with variables of their own; any other S3-compatible one is `aws` with `S3:ServiceUrl`. [S-4.5] */
export const s3Providers = ["aws", "scaleway"] as const;

/** One of {@link s3Providers}. */
export type S3Provider = (typeof s3Providers)[number];

/** What has to be said about a setting; its names derive from its section and property ({@link createSection}). */
export interface SettingDeclaration {
  /** The values it takes. */
  readonly schema: TSchema;
  /** Its value when no layer sets it. Absent: not set, or worked out from other facts as `defaultText` tells. */
  readonly fallback?: string | number | boolean;
  /** How people read the default, where `fallback` alone does not tell. */
  readonly defaultText?: string;
  /** `s`, `ms` or `days`. */
  readonly unit?: string;
  /** One line, full sentence. */
  readonly description: string;
  /** The allowed values in words, where the schema alone does not tell. */
  readonly allowed?: string;
  /** True for values that no output may show in full. */
  readonly secret?: true;
  /** Leaves out what of a value no output may show. */
  readonly redact?: (text: string) => string;
  /** The provider's customary variable, read only while that provider is chosen. */
  readonly variables?: Readonly<Partial<Record<S3Provider, string>>>;
  /** Brings a text to the form that the schema checks. */
  readonly normalise?: (text: string) => string;
  /** A running server takes it over when it reads its settings again; the others wait for its next start. */
  readonly isLive?: true;
}

/** The settings of one section by property name. */
export type SettingDeclarations = Readonly<Record<string, SettingDeclaration>>;

/** The values that declarations give: those with a fallback are always there, the others only when set. */
export type SettingValues<D extends SettingDeclarations> = {
  readonly [K in keyof D as D[K] extends { readonly fallback: unknown } ? K : never]: Static<D[K]["schema"]>;
} & {
  readonly [K in keyof D as D[K] extends { readonly fallback: unknown } ? never : K]?: Static<D[K]["schema"]>;
};

/** A declared setting with all its names. */
export interface Setting extends SettingDeclaration {
  /** Property of its section's settings object, such as `rotateS`. */
  readonly property: string;
  /** Its name in messages and listings, such as `Server:RotateS`; also its path in appsettings.json if `isInFile`. */
  readonly key: string;
  /** False for credentials: they belong in the environment or `.env`. */
  readonly isInFile: boolean;
  /** Without the leading dashes, such as `rotate-s`. */
  readonly flag?: string;
  /** Environment variables of its own, the strongest first; the provider's variable comes after them. */
  readonly environment: readonly string[];
}

/** How the names of a section's settings are made. */
export interface SectionNaming {
  /** Section of appsettings.json. */
  readonly section: string;
  /** Flag of a property given as words in kebab-case; absent: no flags. */
  readonly flag?: (kebab: string) => string;
  /** Variables of a property given in PascalCase and as words in SNAKE_CASE. */
  readonly environment?: (pascal: string, snake: string) => readonly string[];
  /** Default true. */
  readonly isInFile?: boolean;
}

/** Settings that stand together. */
export interface Section<D extends SettingDeclarations> {
  readonly declarations: D;
  /** In the order of the declarations. */
  readonly settings: readonly Setting[];
}

/** Gives each declared setting its names. */
export function createSection<D extends SettingDeclarations>(naming: SectionNaming, declarations: D): Section<D> {
  const settings = Object.entries(declarations).map(([property, declaration]): Setting => {
    const words = property.split(/(?=[A-Z])/);
    const pascal = property.charAt(0).toUpperCase() + property.slice(1);
    const flag = naming.flag?.(words.join("-").toLowerCase());
    return {
      ...declaration,
      property,
      key: `${naming.section}:${pascal}`,
      isInFile: naming.isInFile ?? true,
      ...(flag === undefined ? {} : { flag }),
      environment: naming.environment?.(pascal, words.join("_").toUpperCase()) ?? [],
    };
  });
  return { declarations, settings };
}
