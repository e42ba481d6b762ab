//! Random and mutated inputs for the fuzzing targets, without an instrumented compiler.

use oktant_base::{Entropy, SeededEntropy};

/// Longest input made, in bytes.
const BYTES_MAX: usize = 8_192;

/// Good inputs, to begin from.
const SEEDS: &[&str] = &[
    "<https://a.okta.com/api/v1/users?after=x&limit=2>; rel=\"next\", <u>; rel=\"self\"\n<b>; title=\"a, <c>\"; rel=prev",
    "{\"roles\":[],\"_links\":{\"next\":{\"href\":\"https://a.okta.com/api/v1/iam/roles?after=x\"}}}",
    "eyJtZXRob2QiOiJHRVQiLCJwYXRoIjoiL2FwaS92MS91c2VycyIsInF1ZXJ5IjpbXSwicGFnZSI6MX0",
    "x-rate-limit-limit: 600\nx-rate-limit-remaining: 0\nx-rate-limit-reset: 1767268849\ndate: Thu, 01 Jan 2026 12:00:00 GMT",
    "x-rate-limit-limit: 0\nx-rate-limit-remaining: 0\nretry-after: 7",
    include_str!("../../../client/src/auth/key/rsa_2048.json"),
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}]}\n\na",
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END EC PRIVATE KEY-----\n",
    "okta:\n  client:\n    orgUrl: https://acme.okta.com\n    token: 00a\n    rateLimit: {maxRetries: 2}\n    proxy: &p\n      host: p\n      port: 80\n  testing:\n    testingDisableHttpsCheck: true\n  profiles:\n    a:\n      client: {scopes: [okta.users.read], privateKey: |\n        x}\n",
    "OKTA_CLIENT_ORGURL=https://acme.okta.com\nOKTA_CLIENT_TOKEN=t\nOKTA_CLIENT_SCOPES=a, b\nOKTA_PROFILE=a",
    "{\"orgUrl\":\"https://acme.okta.com\",\"token\":\"t\",\"headers\":{\"X\":\"y\"},\"tls\":{\"minVersion\":\"1.3\"}}",
    "okta://id:s%2Fc@a.okta.com:8443/?Timeout=5&ProxyServer=http://u:p@h:1&CustomHeaders=A: b",
    "User\n{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"created\":\"2026-01-01T00:00:00.000Z\",\"lastLogin\":null,\"profile\":{\"login\":\"ada@example.com\",\"badge\":7},\"_links\":{\"self\":{\"href\":\"https://a.okta.com/api/v1/users/00u1\"}}}",
    "Application\n{\"id\":\"0oa1\",\"signOnMode\":\"OPENID_CONNECT\",\"credentials\":{\"oauthClient\":{\"token_endpoint_auth_method\":\"private_key_jwt\"}},\"settings\":{\"oauthClient\":{\"grant_types\":[\"implicit\"]}}}",
    "Policy\n{\"type\":\"OKTA_SIGN_ON\",\"priority\":1,\"system\":false,\"conditions\":{\"people\":{\"groups\":{\"include\":[\"00g1\"]}}}}",
    "UserFactor\n{\"id\":\"sms1\",\"factorType\":\"sms\",\"provider\":\"OKTA\",\"profile\":{\"phoneNumber\":\"+1-555-415-1337\"},\"_embedded\":{\"activation\":{\"timeStep\":1.5e3}}}",
    "LogEvent\n{\"eventType\":\"user.session.start\",\"severity\":\"INFO\",\"target\":[{\"id\":\"x\",\"detailEntry\":{\"a\":1}}],\"debugContext\":{\"debugData\":{\"k\":\"v\"}}}",
    "userName eq \"ann@example.com\" and not (emails[type eq \"work\" and value co \"@\"] or active ne true)",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw \"I\" or meta.created gt \"2026-01-01T00:00:00Z\"",
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"add\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"x\"},{\"op\":\"replace\",\"value\":{\"active\":\"False\",\"name.givenName\":\"A\"}}]}",
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"remove\",\"path\":\"members[value eq \\\"a\\\"]\"},{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"c\"}]}]}",
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ann\",\"name\":{\"givenName\":\"A\"},\"emails\":[{\"value\":\"a\",\"primary\":true}],\"active\":true,\"password\":\"x\",\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"manager\":{\"value\":\"1\"}}}",
    "GET /Users?filter=userName%20eq%20%22ann%22&startIndex=1&count=2&sortBy=name.givenName&attributes=emails.value",
    "POST /Bulk\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":[{\"method\":\"POST\",\"path\":\"/Groups\",\"bulkId\":\"g\",\"data\":{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"g\",\"members\":[{\"value\":\"bulkId:h\"}]}}]}",
    "POST /.search\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"],\"filter\":\"displayName pr\",\"cursor\":\"\",\"count\":1}",
    "SELECT Id, a.Profile.Name n, (SELECT Id FROM Users LIMIT 1) FROM User a WHERE (IsActive = TRUE AND CreatedDate = LAST_N_DAYS:7) OR NOT Alias LIKE 'a\\_%' ORDER BY Name DESC NULLS LAST LIMIT 5 OFFSET 1",
    "SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) n, MAX(Name) FROM UserLicense WHERE Id IN (SELECT UserLicenseId FROM Profile) GROUP BY CALENDAR_YEAR(CreatedDate) HAVING COUNT(Id) >= 1",
    "FIND {adm* OR \\{x} IN NAME FIELDS RETURNING User(Id WHERE Name != 'a)b' LIMIT 2), Account LIMIT 3",
    "{\"id\":\"x\",\"type\":\"IP\",\"status\":\"INACTIVE\",\"name\":\"n\",\"items\":[{\"a\":[]},null,1]}",
    "-2^2 + 5%*(3! - log(8, 2)) # c",
    "not (1 < 2 <= 3) xor true and max(1, .5e-3) % 7 == 1",
    "YYYY-MM-DDTHH:mm:ss.SSSZ\n2016-09-07T00:01:25.670+02:00",
    "dddd, MMMM Do YYYY [at] h:mm a\nWed, September 7th 2016 at 12:01 pm",
    "LLLL DDDD x\nSep 7, 2016 5:01 PM GMT+0200",
    "a.0.b c[1]\n{\"a\":[{\"b c\":[1,{\"$date\":5}]}],\"a.0\":\"2016-09-07\",\"n\":0.30000000000000004}",
];

/// Pieces that matter to one target or another.
const PIECES: &[&str] = &[
    "(",
    ")",
    "'",
    "SELECT ",
    " NOT ",
    " IN (",
    "NEXT_N_YEARS:",
    "\"",
    "\\",
    "<",
    ">",
    ";",
    ",",
    "=",
    ":",
    "\n",
    "\n\n",
    "\r\n",
    "%00",
    "\u{0}",
    "\u{feff}",
    "é",
    "&a ",
    "*a",
    "<<: ",
    "- ",
    "? ",
    "!!binary ",
    "|\n",
    "{",
    "}",
    "[",
    "]",
    "null",
    "true",
    "-1",
    "0",
    "18446744073709551615",
    "-9223372036854775808",
    "8210266876799",
    "253402300800",
    "1e999",
    "NaN",
    "rel=next",
    "next",
    "okta:",
    "client:",
    "profiles:",
    "-----BEGIN",
    "-----END",
    "PRIVATE KEY-----",
    "Thu, 01 Jan 9999 12:00:00 GMT",
    "Thu, 01 Jan +262142 12:00:00 GMT",
    "retry-after: ",
    "https://",
    "http://[",
    "\"type\":",
    "\"status\":{},",
    "1.0E+2",
    "\\ud800",
    " and ",
    "not (",
    " eq ",
    "[value pr]",
    "members",
    "\"path\":\"",
    "\"op\":\"remove\",",
    "\"Operations\":[",
    "bulkId:",
];

/// Makes inputs whose sequence depends on the seed alone.
pub(crate) struct Driver {
    entropy: SeededEntropy,
    corpus: Vec<Vec<u8>>,
}

impl Driver {
    pub(crate) fn new(seed: u64) -> Self {
        let corpus = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
        Self { entropy: SeededEntropy::new(seed), corpus }
    }

    /// The next input: a seed, mutated some times; rarely nothing but noise.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        if self.below(20) == 0 {
            let mut noise = vec![0; self.below(256)];
            self.entropy.fill(&mut noise);
            return noise;
        }
        let mut input = self.corpus[self.below(self.corpus.len())].clone();
        for _ in 0..=self.below(6) {
            self.mutate(&mut input);
        }
        input.truncate(BYTES_MAX);
        // Mutants of mutants reach further than mutants of seeds.
        if self.below(16) == 0 {
            let at = SEEDS.len() + self.below(64);
            match self.corpus.get_mut(at) {
                Some(slot) => slot.clone_from(&input),
                None => self.corpus.push(input.clone()),
            }
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(6) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 => input.truncate(at),
            2 if at < input.len() => {
                let end = at + self.below((input.len() - at).min(32) + 1);
                input.drain(at..end);
            }
            3 => {
                let end = at + self.below((input.len() - at).min(64) + 1);
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let other = self.corpus[self.below(self.corpus.len())].clone();
                let from = self.below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let piece = PIECES[self.below(PIECES.len())].bytes();
                input.splice(at..at, piece);
            }
        }
    }

    /// A number below `bound`, which is not 0.
    fn below(&self, bound: usize) -> usize {
        (self.entropy.unit() * bound as f64) as usize
    }
}
