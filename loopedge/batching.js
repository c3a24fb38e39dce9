// Joins samples into batches, and keeps each batch until the broker has acknowledged it.
//
// An mqtt out node drops what it gets while there is no connection, and says nothing. What it gets while there is one
// it sends again after a reconnection, and it is done with it, which complete nodes are told, when the PUBACK is here.
// So a batch leaves the buffer only on the word of the complete node.
//
// What comes in:
//   msg.factoryLakeTick    the clock, from the inject node
//   msg.status             the state of the connection, from the status node
//   msg.factoryLakeBatch   the ID of a batch that is acknowledged, from the complete node; with msg.error one that
//                          failed, from the catch node
//   anything else          a sample
// What goes out: 1. publishes for the mqtt out node, 2. samples that were refused, as they came.

const MAX_PAYLOAD_BYTES = 128 * 1024; // AWS IoT Core, "Message broker and protocol limits"
const HEAD = '{"samples":[';
const TAIL = "]}";
// Without a connection the mqtt out node shows each attempt to connect. After a longer silence, a state was missed.
const SILENCE_MS = 120000;
const RETRY_MS = 5000; // after a publish that failed, so that a refusal is not asked for at the full pace
const BETWEEN_STATUS_MS = 1000;
const BETWEEN_ERRORS_MS = 60000;
const TOPIC = /^(\$aws\/rules\/\w+\/)?factories\/[a-z0-9-]+\/[a-z0-9-]+\/measurements$/;

const now = Date.now();
const problems = [];
const settings = {
  topic: readTopic(),
  batchSamples: readNumber("BATCH_SAMPLES", 100, 1, 10000),
  batchMs: readNumber("BATCH_MS", 1000, 0, 600000),
  batchBytes: readNumber("BATCH_KB", 120, 1, 128) * 1024,
  bufferBytes: readNumber("BUFFER_MB", 16, 1, 256) * 1024 * 1024,
  publishesPerSecond: readNumber("PUBLISHES_PER_SECOND", 50, 1, 80),
  inFlight: readNumber("IN_FLIGHT", 20, 1, 100),
  ackMs: readNumber("ACK_SECONDS", 60, 5, 3600) * 1000,
  store: env.get("BUFFER_STORE") || undefined,
};

// Plain data, so that a context store on disk can hold it. Nothing in it depends on this process.
const buffer = context.get("buffer", settings.store) || {
  open: { texts: [], bytes: 0, since: 0 },
  waiting: [], // batches to send, oldest first
  inFlight: [], // batches that the mqtt out node has and is not done with
  samples: 0, // in all three
  bytes: 0,
  acknowledged: 0, // samples
  connected: true,
  heardAt: now, // of the connection
  progressAt: now, // of what is in flight
  failedAt: 0, // a publish
  failure: "",
  tokens: 0, // publishes that the pace allows
  tokensAt: 0,
  refused: 0,
  refusedAt: 0,
  refusedWhy: "",
  errorAt: 0,
  statusAt: 0,
};
const publishes = [];
const refused = [];

if (msg.status !== undefined && msg.payload === undefined) {
  noteConnection(msg.status.fill === "green");
} else if (msg.factoryLakeBatch !== undefined) {
  if (msg.error) {
    putBack(msg.factoryLakeBatch, msg.error.message);
  } else {
    acknowledge(msg.factoryLakeBatch);
  }
} else if (!msg.factoryLakeTick) {
  accept(msg.payload);
}
if (buffer.open.texts.length >= settings.batchSamples || hasPassed(settings.batchMs, buffer.open.since)) {
  closeBatch();
}
send();
showStatus();
context.set("buffer", buffer, settings.store);
return [publishes, refused];

function accept(payload) {
  let text;
  try {
    const isText = Buffer.isBuffer(payload) || typeof payload === "string";
    text = isText ? payload.toString() : JSON.stringify(payload);
  } catch (error) {
    return refuse(`not JSON: ${error.message}`);
  }
  if (!text) {
    return refuse("no payload");
  }
  const bytes = Buffer.byteLength(text);
  // Bytes that are not UTF-8 would not survive as text.
  const isUtf8 = !Buffer.isBuffer(payload) || Buffer.from(text).equals(payload);
  const size = isUtf8 ? bytes : payload.length;
  if (size > MAX_PAYLOAD_BYTES) {
    return refuse(`${size} bytes, and AWS IoT Core takes ${MAX_PAYLOAD_BYTES} a publish`);
  }
  if (buffer.bytes + size > settings.bufferBytes) {
    return refuse("the buffer is full");
  }
  const framed = size + HEAD.length + TAIL.length;
  if (!isUtf8) {
    keep(1, payload);
  } else if (framed > settings.batchBytes || !isSample(text)) {
    keep(1, text);
  } else {
    const commas = buffer.open.texts.length;
    if (buffer.open.bytes + commas + framed > settings.batchBytes) {
      closeBatch();
    }
    if (!buffer.open.texts.length) {
      buffer.open.since = now;
    }
    buffer.open.texts.push(text);
    buffer.open.bytes += size;
    buffer.samples += 1;
    buffer.bytes += size;
  }
}

// One object. Anything else goes alone, so that the lake judges it alone and no sample with it.
function isSample(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const isBatch = isObject && Array.isArray(value.samples) && Object.keys(value).length === 1;
  return isObject && !isBatch;
}

// Texts are joined as they came: no number is spelled anew.
function closeBatch() {
  const { texts, bytes } = buffer.open;
  if (texts.length) {
    buffer.open = { texts: [], bytes: 0, since: 0 };
    buffer.samples -= texts.length;
    buffer.bytes -= bytes;
    keep(texts.length, texts.length > 1 ? HEAD + texts.join(",") + TAIL : texts[0]);
  }
}

function keep(samples, payload) {
  const packed = pack(payload);
  const bytes = Object.values(packed)[0].length;
  buffer.waiting.push({ id: RED.util.generateId(), samples, bytes, ...packed });
  buffer.samples += samples;
  buffer.bytes += bytes;
}

// As text, since the buffer is JSON on disk; small if the node has the module zlib (its tab "Setup").
function pack(payload) {
  if (hasZlib()) {
    return { deflated: zlib.deflateRawSync(payload).toString("base64") };
  }
  return typeof payload === "string" ? { text: payload } : { base64: payload.toString("base64") };
}

function unpack({ text, base64, deflated }) {
  if (deflated !== undefined) {
    return zlib.inflateRawSync(Buffer.from(deflated, "base64"));
  }
  return text === undefined ? Buffer.from(base64, "base64") : text;
}

function hasZlib() {
  return typeof zlib !== "undefined";
}

function send() {
  refillTokens();
  if (buffer.inFlight.length && hasPassed(settings.ackMs, buffer.progressAt)) {
    // An acknowledgement that does not come: MQTT sends again on a new connection only.
    publishes.push({ action: "connect", broker: { force: true }, factoryLakeBatch: "" });
    buffer.progressAt = now;
  }
  if (problems.length || !isConnected() || isPausing()) {
    return;
  }
  while (buffer.waiting.length && buffer.inFlight.length < settings.inFlight && buffer.tokens >= 1) {
    if (buffer.waiting[0].deflated !== undefined && !hasZlib()) {
      problems.push("the node's module zlib must stay until the buffer is empty");
      return;
    }
    const batch = buffer.waiting.shift();
    if (!buffer.inFlight.length) {
      buffer.progressAt = now;
    }
    buffer.inFlight.push(batch);
    buffer.tokens -= 1;
    publishes.push({
      topic: settings.topic,
      payload: unpack(batch),
      factoryLakeBatch: batch.id,
    });
  }
}

// A fifth of a second's publishes may go at once.
function refillTokens() {
  const elapsed = Math.max(0, now - buffer.tokensAt);
  const most = Math.max(1, settings.publishesPerSecond / 5);
  buffer.tokens = Math.min(most, buffer.tokens + (elapsed * settings.publishesPerSecond) / 1000);
  buffer.tokensAt = now;
}

function acknowledge(id) {
  for (const batches of [buffer.inFlight, buffer.waiting]) {
    const place = batches.findIndex((batch) => batch.id === id);
    if (place >= 0) {
      const [batch] = batches.splice(place, 1);
      buffer.samples -= batch.samples;
      buffer.bytes -= batch.bytes;
      buffer.acknowledged += batch.samples;
      buffer.progressAt = now;
      return;
    }
  }
}

function putBack(id, why) {
  const place = buffer.inFlight.findIndex((batch) => batch.id === id);
  if (place >= 0) {
    buffer.failedAt = now;
    buffer.failure = why;
    buffer.waiting.unshift(...buffer.inFlight.splice(place, 1));
  }
}

function noteConnection(connected) {
  buffer.heardAt = now;
  if (connected && !buffer.connected) {
    // The mqtt out node shows "connected" after it has sent again all that it had and has its PUBACKs. What is in
    // flight nevertheless, it dropped.
    buffer.waiting.unshift(...buffer.inFlight.splice(0));
    buffer.progressAt = now;
  }
  buffer.connected = connected;
}

function isConnected() {
  return buffer.connected || hasPassed(SILENCE_MS, buffer.heardAt);
}

function isPausing() {
  return !hasPassed(RETRY_MS, buffer.failedAt);
}

function refuse(why) {
  buffer.refused += 1;
  buffer.refusedAt = now;
  buffer.refusedWhy = why;
  if (hasPassed(BETWEEN_ERRORS_MS, buffer.errorAt)) {
    buffer.errorAt = now;
    node.error(`sample refused, ${buffer.refused} until now: ${why}`, msg);
  }
  refused.push(msg);
}

function showStatus() {
  if (!hasPassed(BETWEEN_STATUS_MS, buffer.statusAt)) {
    return;
  }
  buffer.statusAt = now;
  const megabytes = (buffer.bytes / 1024 / 1024).toFixed(1);
  const parts = [`${buffer.samples} in the buffer (${megabytes} MB)`, `${buffer.acknowledged} acknowledged`];
  if (buffer.refused) {
    parts.push(`${buffer.refused} REFUSED, the last: ${buffer.refusedWhy}`);
  }
  if (problems.length) {
    node.status({ fill: "red", shape: "ring", text: [problems[0], ...parts].join(", ") });
  } else if (buffer.refused && !hasPassed(BETWEEN_ERRORS_MS, buffer.refusedAt)) {
    node.status({ fill: "red", shape: "dot", text: parts.reverse().join(", ") });
  } else if (!isConnected()) {
    node.status({ fill: "yellow", shape: "ring", text: ["no connection", ...parts].join(", ") });
  } else if (isPausing()) {
    node.status({ fill: "red", shape: "ring", text: [`publish failed: ${buffer.failure}`, ...parts].join(", ") });
  } else {
    node.status({ fill: "green", shape: "dot", text: parts.join(", ") });
  }
}

// Whether so long has passed since then; also when the clock was set back.
function hasPassed(milliseconds, since) {
  return now - since >= milliseconds || now < since;
}

function readTopic() {
  const topic = env.get("TOPIC");
  // Some versions of the mqtt out node are done with a topic that they do not publish to.
  if (!TOPIC.test(topic)) {
    problems.push(`TOPIC must be the one of Terraform's output, got "${topic || ""}"`);
  }
  return topic;
}

function readNumber(name, standard, lowest, highest) {
  const given = env.get(name);
  const value = given === undefined || given === "" ? standard : Number(given);
  if (value >= lowest && value <= highest) {
    return value;
  }
  problems.push(`${name} must be ${lowest} to ${highest}, got "${given}"`);
  return standard;
}
