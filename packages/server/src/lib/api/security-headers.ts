/**
 * What browsers are told of every answer, unless it says otherwise: an answer of the API is no page, runs nothing, is shown
 * in no frame and may use nothing of the machine. The page's files say what they need themselves.
 */
export const securityHeaders = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // No page of another site plays or shows what was recorded.
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "microphone=(), camera=(), geolocation=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  // For browsers that do not know frame-ancestors.
  "x-frame-options": "DENY",
} as const;

/**
 * Has browsers come by TLS to this host, on whatever port, for the 30 days from the last answer on. Only for servers that are
 * found by TLS.
 */
export const transportSecurityHeaders = { "strict-transport-security": `max-age=${30 * 24 * 3_600}` } as const;
