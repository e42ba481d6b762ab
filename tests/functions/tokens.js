// Signatures: Node's crypto and jsonwebtoken.

import { createHash, createHmac } from "node:crypto";
import jwt from "jsonwebtoken";

const ALGORITHMS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "SHA256"];

const hmac = (algorithm, key, data, digest) => ({
  key: "crypto:hmac",
  inputs: { algorithm, key, data, digest },
  expected: { output: createHmac(algorithm, key).update(data).digest(digest) },
});
const hash = (algorithm, data, digest) => ({
  key: "crypto:hash",
  inputs: { algorithm, data, digest },
  expected: { output: createHash(algorithm).update(data).digest(digest) },
});
// The header's members stand in another order than ours, so the claims are what is compared.
const decode = (claims, key, options) => {
  const token = jwt.sign(claims, key, options);
  const { header, payload } = jwt.decode(token, { complete: true });
  return { key: "jwt:decode", inputs: { token }, expected: { header, claims: payload } };
};
const verify = (claims, key, algorithm, right) => ({
  key: "jwt:verify",
  inputs: { token: jwt.sign(claims, key, { algorithm, noTimestamp: true }), key: right ? key : `${key}x`, "options/algorithm": algorithm },
  expected: { valid: right, claims: right ? claims : null },
});

export function tokens({ below, pick, many }) {
  const text = (least = 0) => many(least, 90, () => pick(["a", "é", "0", " ", "😀", "\n"])).join("");
  const claims = () => Object.fromEntries(many(0, 3, () => [pick(["scope", "role", "n"]), pick([text(), below(9), true])]));
  const HS = ["HS256", "HS384", "HS512"];
  const generate = () =>
    pick([
      () => hmac(pick(ALGORITHMS), text(), text(), pick(["hex", "base64", "binary"])),
      () => hash(pick(ALGORITHMS), text(), pick(["hex", "base64"])),
      () => verify(claims(), text(1), pick(HS), Boolean(below(3))),
      () => decode({ ...claims(), iat: 5 }, text(1), { algorithm: pick(HS), expiresIn: pick([600, "10h", "7d", "10 minutes", "2 days"]) }),
    ])();
  return { documented: [hmac("sha256", "Jefe", "what do ya want for nothing?", "hex")], generate };
}
