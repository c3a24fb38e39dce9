// The function node's JavaScript by itself: node --test tests/unit/loopedge/
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const zlib = require("node:zlib");

const SOURCE = fs.readFileSync(path.join(__dirname, "../../../loopedge/batching.js"), "utf8");
const TOPIC = "$aws/rules/lake_krakow_measurements/factories/krakow/line-1/measurements";
const CONNECTED = { status: { fill: "green" } };
const DISCONNECTED = { status: { fill: "red" } };
const TICK = { factoryLakeTick: true };

// A node with the function in it, a clock that the test sets, and an on-disk context store: JSON and back.
class FunctionNode {
  constructor(env = {}, modules = {}) {
    this.env = { TOPIC, ...env };
    this.clock = 1_000_000;
    this.ids = 0;
    this.stored = undefined;
    this.errors = [];
    this.published = [];
    this.refused = [];
    const Clock = { now: () => this.clock };
    const node = { status: (status) => (this.status = status), error: (text) => this.errors.push(text) };
    const context = {
      get: () => this.stored && JSON.parse(this.stored),
      set: (key, value) => (this.stored = JSON.stringify(value)),
    };
    const RED = { util: { generateId: () => `id-${++this.ids}` } };
    this.modules = modules;
    this.run = (msg) => {
      const given = { msg, node, context, env: { get: (name) => this.env[name] }, RED, Date: Clock, ...this.modules };
      return new Function(...Object.keys(given), SOURCE)(...Object.values(given));
    };
  }

  get buffer() {
    return JSON.parse(this.stored);
  }

  // Returns what goes to the mqtt out node.
  receive(msg) {
    const [published, refused] = this.run(msg);
    this.published.push(...published);
    this.refused.push(...refused);
    return published;
  }

  sample(payload) {
    return this.receive({ payload });
  }

  pass(milliseconds, step = 100) {
    const published = [];
    for (let passed = 0; passed < milliseconds; passed += step) {
      this.clock += step;
      published.push(...this.receive(TICK));
    }
    return published;
  }

  acknowledge(msg) {
    return this.receive({ ...msg, complete: {} });
  }
}

const text = (number) => `{"tagName":"t","value":${number}.50}`;

test("samples are joined by count, as they were spelled", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 3 });
  assert.deepEqual(flow.sample(text(1)), []);
  assert.deepEqual(flow.sample(Buffer.from(text(2))), []);
  const [publish] = flow.sample('{ "tagName" : "t",\n"value":1e2 }');
  assert.equal(publish.payload, `{"samples":[${text(1)},${text(2)},{ "tagName" : "t",\n"value":1e2 }]}`);
  assert.equal(publish.topic, TOPIC);
});

test("payload objects are written as JSON", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 2 });
  flow.sample({ value: 1.5, tagName: "ü" });
  assert.equal(flow.sample(text(1))[0].payload, `{"samples":[{"value":1.5,"tagName":"ü"},${text(1)}]}`);
});

test("a batch is closed when its first sample has waited", () => {
  const flow = new FunctionNode({ BATCH_MS: 1000 });
  flow.sample(text(1));
  flow.clock += 900;
  assert.deepEqual(flow.sample(text(2)), []);
  flow.clock += 99;
  assert.deepEqual(flow.receive(TICK), []);
  flow.clock += 1;
  assert.equal(flow.receive(TICK)[0].payload, `{"samples":[${text(1)},${text(2)}]}`);
});

test("a single sample goes without a frame", () => {
  const flow = new FunctionNode();
  flow.sample(text(1));
  assert.equal(flow.pass(1000)[0].payload, text(1));
});

test("no batch is larger than its size, to the byte", () => {
  const frame = '{"samples":[]}'.length;
  const half = (1024 - frame - 1) / 2; // with one comma
  const sized = (bytes) => `{"value":"${"ü".repeat((bytes - 12) / 2)}${"-".repeat(bytes % 2)}"}`;
  for (const [first, second, batches] of [
    [Math.floor(half), Math.ceil(half), 1],
    [Math.floor(half), Math.ceil(half) + 1, 2],
  ]) {
    const flow = new FunctionNode({ BATCH_KB: 1 });
    assert.equal(Buffer.byteLength(sized(first)), first);
    flow.sample(sized(first));
    flow.sample(sized(second));
    flow.pass(1000);
    assert.equal(flow.published.length, batches);
    flow.published.forEach((publish) => assert.ok(Buffer.byteLength(publish.payload) <= 1024));
  }
});

test("what is not one JSON object goes alone, byte for byte", () => {
  const odd = ["not JSON", '{"a":1}{"a":2}', "[1]", "null", "12", `{"a":1,`, '\ufeff{"a":1}', '{"samples":[{"a":1}]}'];
  for (const payload of odd) {
    const flow = new FunctionNode();
    flow.sample(text(1));
    const [publish] = flow.sample(payload);
    assert.equal(publish.payload, payload);
    assert.equal(flow.pass(1000)[0].payload, text(1));
  }
  for (const payload of [Buffer.from([0xff, 0x7b, 0x7d]), Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])]) {
    const flow = new FunctionNode();
    assert.deepEqual(Buffer.from(flow.sample(payload)[0].payload), payload);
  }
});

test("a batch stays until its acknowledgement, and is not sent twice meanwhile", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1 });
  const [publish] = flow.sample(text(1));
  assert.deepEqual(flow.pass(5000), []);
  assert.equal(flow.buffer.samples, 1);
  flow.acknowledge(publish);
  const { samples, bytes, acknowledged, inFlight, waiting } = flow.buffer;
  assert.deepEqual({ samples, bytes, acknowledged, inFlight, waiting }, {
    samples: 0, bytes: 0, acknowledged: 1, inFlight: [], waiting: [],
  });
  flow.acknowledge(publish);
  assert.equal(flow.buffer.acknowledged, 1);
});

test("nothing is sent without a connection; then all is, oldest first", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1 });
  flow.receive(DISCONNECTED);
  for (let number = 0; number < 5; number++) {
    assert.deepEqual(flow.sample(text(number)), []);
  }
  assert.match(flow.status.text, /no connection/);
  const published = flow.receive(CONNECTED);
  assert.deepEqual(published.map((publish) => publish.payload), [0, 1, 2, 3, 4].map(text));
});

test("what the mqtt out node dropped goes again after the reconnection, and nothing else", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1 });
  const [kept] = flow.sample(text(1));
  const [dropped] = flow.sample(text(2));
  flow.receive(DISCONNECTED);
  flow.acknowledge(kept); // sent again by the mqtt out node itself before it shows "connected"
  assert.deepEqual(flow.receive(CONNECTED).map((publish) => publish.payload), [dropped.payload]);
  assert.deepEqual(flow.receive(CONNECTED), []);
});

test("a batch that failed goes again after a pause, and the status says why", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1 });
  const [publish] = flow.sample(text(1));
  assert.deepEqual(flow.receive({ ...publish, error: { message: "Publish error: Not authorized" } }), []);
  assert.equal(flow.buffer.samples, 1);
  assert.deepEqual(flow.pass(4900), []);
  assert.match(flow.status.text, /^publish failed: Publish error: Not authorized/);
  assert.equal(flow.pass(100)[0].payload, publish.payload);
});

test("a restart loses nothing: the buffer is plain data", () => {
  const before = new FunctionNode({ BATCH_SAMPLES: 2 });
  before.sample(text(1));
  before.sample(text(2));
  before.sample(text(3));
  before.sample(Buffer.from([0xff]));
  const after = new FunctionNode({ BATCH_SAMPLES: 2 });
  after.stored = before.stored;
  after.ids = 100;
  after.receive(DISCONNECTED);
  after.receive(CONNECTED);
  after.sample(text(4));
  const payloads = after.published.map((publish) => publish.payload.toString("latin1"));
  assert.deepEqual(payloads, [`{"samples":[${text(1)},${text(2)}]}`, "\u00ff", `{"samples":[${text(3)},${text(4)}]}`]);
});

test("an acknowledgement that does not come makes a new connection, once each ACK_SECONDS", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1, ACK_SECONDS: 10 });
  flow.sample(text(1));
  assert.deepEqual(flow.pass(9900), []);
  const expected = [{ action: "connect", broker: { force: true }, factoryLakeBatch: "" }];
  assert.deepEqual(flow.pass(10000), expected);
  assert.equal(flow.buffer.samples, 1);
  flow.acknowledge(expected[0]); // the mqtt out node is done with the request itself
  assert.equal(flow.buffer.samples, 1);
});

test("a missed state of the connection stops nothing for good", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1 });
  flow.receive(DISCONNECTED);
  flow.sample(text(1));
  assert.deepEqual(flow.pass(119900), []);
  assert.equal(flow.pass(100)[0].payload, text(1));
});

test("the pace is kept, in any second", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1, IN_FLIGHT: 100, PUBLISHES_PER_SECOND: 50 });
  flow.receive(DISCONNECTED);
  for (let number = 0; number < 500; number++) {
    flow.sample(text(number));
  }
  const times = [];
  const take = (published) => {
    for (const publish of published) {
      times.push(flow.clock);
      take(flow.acknowledge(publish));
    }
  };
  take(flow.receive(CONNECTED));
  while (flow.buffer.samples) {
    flow.clock += 100;
    take(flow.receive(TICK));
  }
  const inSecond = times.map((start) => times.filter((time) => time >= start && time < start + 1000).length);
  assert.equal(times.length, 500);
  assert.ok(Math.max(...inSecond) <= 60, `${Math.max(...inSecond)}`);
  assert.ok(times.at(-1) - times[0] <= 10000);
});

test("at most so many batches are in flight", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1, IN_FLIGHT: 3, ACK_SECONDS: 3600 });
  for (let number = 0; number < 10; number++) {
    flow.sample(text(number));
  }
  flow.pass(5000);
  assert.equal(flow.published.length, 3);
  assert.equal(flow.acknowledge(flow.published[0]).length, 1);
});

test("a full buffer keeps what it has and refuses what comes, and says so", () => {
  const flow = new FunctionNode({ BUFFER_MB: 1 });
  flow.receive(DISCONNECTED);
  const large = (number) => `{"value":"${number}${"-".repeat(100_000)}"}`;
  for (let number = 0; number < 15; number++) {
    flow.sample(large(number));
  }
  flow.pass(1000);
  assert.equal(flow.buffer.samples, 10);
  assert.deepEqual(flow.refused.map((msg) => msg.payload), [10, 11, 12, 13, 14].map(large));
  assert.equal(flow.errors.length, 1); // a minute
  assert.match(flow.status.text, /^5 REFUSED, the last: the buffer is full/);
  assert.equal(flow.status.fill, "red");
  flow.receive(CONNECTED);
  while (flow.buffer.samples) {
    flow.published.splice(0).forEach((publish) => flow.acknowledge(publish));
    flow.pass(100);
  }
  flow.sample(large(15));
  assert.equal(flow.buffer.samples, 1);
  assert.match(flow.status.text, /5 REFUSED/);
});

test("with zlib the buffer holds many times more, and sends the same bytes", () => {
  const flow = new FunctionNode({ BUFFER_MB: 1 }, { zlib });
  flow.receive(DISCONNECTED);
  const odd = Buffer.from([0xff, 0x00]);
  flow.sample(odd);
  const long = (number) => `{"deviceName":"${"Press ü ".repeat(30)}","value":${number}.50}`;
  for (let number = 0; number < 10_000; number++) {
    flow.sample(long(number)); // 2.7 MB
  }
  flow.pass(1000);
  assert.equal(flow.buffer.samples, 10_001);
  assert.equal(flow.refused.length, 0);

  flow.modules = {};
  flow.receive(CONNECTED);
  assert.match(flow.pass(1000).length + flow.status.text, /^0the node's module zlib must stay/);
  flow.modules = { zlib };
  const payloads = [];
  while (flow.buffer.samples) {
    flow.pass(100);
    flow.published.splice(0).forEach((publish) => payloads.push(publish.payload) && flow.acknowledge(publish));
  }
  assert.deepEqual(payloads[0], odd);
  const batches = payloads.slice(1).map((payload) => payload.toString());
  const sent = Array.from({ length: 10_000 }, (_, number) => long(number));
  assert.equal(batches.map((batch) => batch.slice(12, -2)).join(), sent.join());
  assert.equal(flow.buffer.bytes, 0);
});

test("without a connection, too, a new one is asked for when what is in flight stays there", () => {
  const flow = new FunctionNode({ BATCH_SAMPLES: 1, ACK_SECONDS: 10 });
  flow.sample(text(1));
  flow.receive(DISCONNECTED);
  assert.equal(flow.pass(10000).filter((msg) => msg.action === "connect").length, 1);
});

test("what no publish can carry is refused, and says so", () => {
  const circular = {};
  circular.self = circular;
  for (const payload of [undefined, "", Buffer.alloc(0), circular, "x".repeat(128 * 1024 + 1)]) {
    const flow = new FunctionNode();
    flow.sample(payload);
    flow.pass(1000);
    assert.equal(flow.refused.length, 1);
    assert.equal(flow.errors.length, 1);
    assert.equal(flow.published.length, 0);
  }
  const flow = new FunctionNode();
  flow.sample("x".repeat(128 * 1024));
  assert.equal(flow.published.length, 1);
});

test("with a wrong setting samples are kept, and nothing is sent", () => {
  const wrong = [
    ["TOPIC", ""],
    ["TOPIC", "factories/a/b/c/measurements"],
    ["TOPIC", "factories/a/+/measurements"],
    ["BATCH_SAMPLES", "0"],
    ["BUFFER_MB", "x"],
  ];
  for (const [name, value] of wrong) {
    const flow = new FunctionNode({ [name]: value });
    flow.sample(text(1));
    assert.deepEqual(flow.pass(2000), []);
    assert.ok(flow.status.text.startsWith(`${name} must be`), flow.status.text);
    assert.equal(flow.status.fill, "red");
    flow.env[name] = name === "TOPIC" ? TOPIC : "";
    assert.equal(flow.pass(100)[0].payload, text(1));
  }
});

test("a clock that is set back stops nothing", () => {
  const flow = new FunctionNode();
  flow.sample(text(1));
  flow.clock -= 3_600_000;
  assert.equal(flow.pass(200)[0].payload, text(1));
});
