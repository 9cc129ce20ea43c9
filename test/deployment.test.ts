import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { Authority, writeServerFiles } from "./support/certificates.ts";
import { DeviceFleet } from "./support/device-fleet.ts";
import { Prometheus } from "./support/prometheus.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const run = promisify(execFile);
const deploy = fileURLToPath(new URL("../deploy", import.meta.url));
const alertsPath = join(deploy, "prometheus/alerts.yaml");

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
}

interface AlertCheck {
  readonly alertname: string;
  readonly exp_alerts: readonly object[];
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
}

const dashboard: { readonly panels: readonly Panel[]; readonly templating: { readonly list: readonly object[] } } =
  JSON.parse(await readFile(join(deploy, "grafana/dashboard.json"), "utf8"));
const alerts: readonly Alert[] = parse(await readFile(alertsPath, "utf8")).groups.flatMap(
  ({ rules }: { readonly rules: readonly Alert[] }) => rules,
);
/** What the panels ask Prometheus, with what Grafana puts in the place of its variables. */
const expressions = dashboard.panels
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  .map((expr) => expr.replaceAll("$instance", ".+").replaceAll("$__rate_interval", "1m"));

/** Names and labels that expressions of PromQL ask for. */
function metricsOf(...texts: readonly string[]): readonly string[] {
  return [...new Set(texts.join(" ").match(/\b(?:eet|process|nodejs)_[a-z0-9_]+/g))].sort();
}

/** What is to be seen of a server that runs. */
interface Scene {
  readonly folder: string;
  /** Of the port without TLS, as `127.0.0.1:5096`. */
  readonly place: string;
  /** Metrics of a server without TLS, and with an ingest worker. */
  readonly withoutTls: string;
}

/** Flags of a server that has a certificate and a revocation list, beside a port without TLS. */
async function writeTlsFiles(folder: string): Promise<readonly string[]> {
  const authority = await Authority.make("EET test");
  const lists = { "tls-client-ca": join(folder, "ca.pem"), "tls-client-crl": join(folder, "crl.pem") };
  await writeFile(lists["tls-client-ca"], authority.pem);
  await writeFile(lists["tls-client-crl"], await authority.revoke([]));
  const flags = { ...(await writeServerFiles(folder, await authority.server())), ...lists, "tls-clients": "optional" };
  return Object.entries({ ...flags, "plain-port": "0" }).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A server with uploads, a webhook and TLS, while devices are sending; closed with `open`. */
async function openServer(open: AsyncDisposableStack): Promise<Scene> {
  const folder = open.use(await makeTemporaryFolder()).path;
  const stub = await S3Stub.start();
  open.defer(() => stub.stop());
  const webhook = { EET_WEBHOOK_URL: "http://127.0.0.1:9/", EET_WEBHOOK_SECRET: `whsec_${"A".repeat(43)}=` };
  const options = { folder, environment: { ...stub.environment, ...webhook } };
  let withoutTls: string;
  {
    const flags = ["--rotate-s", "0.5", "--ingest-workers", "1"];
    await using server = await ServerProcess.start({ ...options, flags });
    await using _fleet = await DeviceFleet.open(server.url, "mic", 2);
    await server.line(({ msg }) => msg === "upload stored");
    withoutTls = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  }
  // How long the disk lasts is known in the second minute, or from the run before.
  const server = open.use(await ServerProcess.start({ ...options, flags: await writeTlsFiles(folder) }));
  const { plain } = await server.line(({ msg }) => msg === "listening");
  const { host: place } = new URL(String(plain).replace("{hwid}", ""));
  open.use(await DeviceFleet.open(`ws://${place}/ws`, "mic", 2));
  return { folder, place, withoutTls };
}

describe("deploy/ beside a running server", () => {
  const open = new AsyncDisposableStack();
  let scene: Scene;
  before(async () => {
    scene = await openServer(open);
  });
  after(() => open.disposeAsync());

  it("asks in the dashboard and the alerts for metrics and states that a server has", async () => {
    const told = await (await fetch(`http://${scene.place}/metrics`)).text();
    const all = `${scene.withoutTls}${told}`;
    const names = new Set([...all.matchAll(/^([a-z0-9_]+)(?:\{.*\})? /gm)].map(([, name]) => name));
    const asked = [...expressions, ...alerts.map(({ expr }) => expr)];
    assert.ok(metricsOf(...asked).length > 30);
    const endS = Number(/^eet_tls_certificate_not_after_seconds (.*)$/m.exec(told)?.[1]);
    assert.equal(Math.round((endS - Date.now() / 1000) / 86_400), 90, "days");
    assert.deepEqual(
      metricsOf(...asked).filter((name) => !names.has(name)),
      [],
    );
    const states = [...asked.join(" ").matchAll(/(eet_\w+)\{[^}]*?(state|statistic)="(\w+)"/g)];
    assert.ok(states.length >= 5);
    for (const [, name, label, value] of states)
      assert.ok(told.includes(`${name}{${label}="${value}"}`), `${name} ${value}`);
  });

  it("has a dashboard all whose queries a real Prometheus answers", { skip: skipWithout("prometheus") }, async () => {
    await using prometheus = await Prometheus.start(scene.folder, scene.place);
    assert.equal((await prometheus.query("up == 1"))[0]?.metric["job"], "eet");
    assert.ok(expressions.length > 30);
    for (const expression of expressions) await prometheus.query(expression);
  });
});

describe("deploy/", () => {
  it("has a dashboard that Grafana can show: each panel by the chosen data source, each query by a name of its own", () => {
    const variables = new Set(dashboard.templating.list.map((variable) => "name" in variable && variable.name));
    assert.deepEqual([...variables], ["datasource", "instance"]);
    for (const { type, title, datasource, targets = [] } of dashboard.panels) {
      assert.ok(["row", "stat", "timeseries"].includes(type), title);
      assert.equal(targets.length > 0, type !== "row", title);
      if (type !== "row")
        assert.match(`${datasource?.type} ${datasource?.uid}`, /^prometheus \$\{datasource\}$/, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const { expr } of targets) assert.match(expr, /\{instance=~"\$instance"/, title);
    }
  });

  it("has a dashboard whose panels do not lie over each other", async () => {
    const cells = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(x < 24 && !cells.has(`${x},${y}`), title);
          cells.add(`${x},${y}`);
        }
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });

  it("has alert rules that Prometheus takes", { skip: skipWithout("promtool") }, async () => {
    const { stdout } = await run("promtool", ["check", "rules", alertsPath]);
    assert.match(stdout, /SUCCESS: \d+ rules found/);
  });

  it("has alerts that fire when they shall, and not before", { skip: skipWithout("promtool") }, async () => {
    const path = join(deploy, "prometheus/alerts.test.yaml");
    const { stdout } = await run("promtool", ["test", "rules", path]);
    assert.match(stdout, /SUCCESS/);
    const checks: readonly AlertCheck[] = parse(await readFile(path, "utf8")).tests.flatMap(
      (test: { readonly alert_rule_test: readonly AlertCheck[] }) => test.alert_rule_test,
    );
    for (const { alert } of alerts)
      for (const count of [0, 1])
        assert.ok(
          checks.some(({ alertname, exp_alerts: expected }) => alertname === alert && expected.length === count),
          `${alert}: ${count === 0 ? "when it does not fire" : "when it fires"}`,
        );
  });

  it("has a unit that systemd takes and finds well hardened", { skip: skipWithout("systemd-analyze") }, async () => {
    await using folder = await makeTemporaryFolder();
    const text = await readFile(join(deploy, "eet.service"), "utf8");
    const path = join(folder.path, "eet.service");
    await writeFile(path, text.replace("/usr/bin/node ", `${process.execPath} `));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
    assert.deepEqual([status, stderr.split("\n").filter((line) => line.includes("eet.service"))], [0, []]);
    const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", path], { encoding: "utf8" });
    const exposure = Number(/Overall exposure level for eet\.service: ([\d.]+)/.exec(stdout)?.[1]);
    assert.ok(exposure < 2, `exposure ${exposure}`);
  });
});

describe("the unit and the container", () => {
  it("start Node with the same flags", async () => {
    const [unit, image] = await Promise.all(
      ["eet.service", "Dockerfile"].map((name) => readFile(join(deploy, name), "utf8")),
    );
    const flagsIn = (text: string | undefined, line: RegExp) => line.exec(text ?? "")?.[0].match(/--[^\s"]+/g);
    const flags = flagsIn(unit, /^ExecStart=.*$/m);
    assert.ok(flags);
    assert.deepEqual(flagsIn(image, /^ENTRYPOINT .*$/m), flags);
  });
});
