// Stands for DeviceHub: each line of the request is one sample, `<form of the payload> <base64>`.
for (const line of msg.payload.split("\n")) {
  const [form, base64] = line.split(" ");
  const bytes = Buffer.from(base64, "base64");
  const payload = { bytes: () => bytes, text: () => bytes.toString(), object: () => JSON.parse(bytes) }[form]();
  node.send([{ topic: "devicehub.alias.press-1", payload }, null]);
}
msg.payload = "";
return [null, msg];
