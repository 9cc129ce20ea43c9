import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeSnippets } from "./snippets.ts";

describe("makeSnippets", () => {
  it("names the address and the device in each", () => {
    for (const { name, text } of makeSnippets("ws://10.0.0.5:5096/ws", "barn-2")) {
      assert.match(text, /barn-2/, name);
      assert.match(text, /10\.0\.0\.5/, name);
      assert.match(text, /5096/, name);
    }
  });

  it("uses TLS and its port where the page does", () => {
    const arduino = makeSnippets("wss://audio.example/ws", "a").find(({ name }) => name === "Arduino");
    assert.match(arduino?.text ?? "", /beginSSL\("audio\.example", 443, "\/ws\/a"\)/);
  });

  it("brings the token in each, where the server asks for one", () => {
    for (const { name, text } of makeSnippets("ws://10.0.0.5:5096/ws", "barn-2", "eet_d_x")) {
      assert.match(text, /eet_d_x/, name);
    }
    for (const { text } of makeSnippets("ws://10.0.0.5:5096/ws", "barn-2")) assert.doesNotMatch(text, /undefined/);
  });
});
