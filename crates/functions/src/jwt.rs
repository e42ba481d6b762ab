//! Signed JSON Web Tokens.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};

use crate::convert::to_number;
use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, pure};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("jwt:sign", "Sign", sign)
            .takes(
                "key*: text, options/algorithm: text = \"HS256\", options/audience: any, options/issuer: text, \
                 options/subject: text, options/jwtid: text, options/expiresIn: any, options/notBefore: any, \
                 options/noTimestamp: true/false = false, options/header: object, payload/*: any",
            )
            .gives("token: text")
            .note(
                "The inputs of `payload` are claims. `expiresIn` and `notBefore` are seconds or texts such as `10 minutes`, `2 days`, `10h`. \
                 Algorithms: HS256, HS384, HS512 with a secret; RS, PS and ES256, ES384 with a key in PEM.",
            )
            .examples(&[(
                r#"{"payload/b":1,"payload/a":"x","key":"k","options/noTimestamp":true,"options/issuer":"me","options/subject":"s","options/audience":"aud","options/jwtid":"j","options/header":{"kid":"1"}}"#,
                r#"{"token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.eyJiIjoxLCJhIjoieCIsImF1ZCI6ImF1ZCIsImlzcyI6Im1lIiwic3ViIjoicyIsImp0aSI6ImoifQ.dSpKKkWtZs0X8fvFnv-jwVTZ0zPkylo2CPEvadK5Oyw"}"#,
            )]),
        pure("jwt:verify", "Verify", verify)
            .takes("token*: text, key*: text, options/algorithm: text = \"HS256\", options/audience: text, options/issuer: text")
            .gives("valid: true/false, claims: object")
            .note("Checks the signature, and times, audience and issuer where they are given. `claims` is nothing if the token is not valid.")
            .examples(&[
                (
                    r#"{"token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.eyJiIjoxLCJhIjoieCIsImF1ZCI6ImF1ZCIsImlzcyI6Im1lIiwic3ViIjoicyIsImp0aSI6ImoifQ.dSpKKkWtZs0X8fvFnv-jwVTZ0zPkylo2CPEvadK5Oyw","key":"k"}"#,
                    r#"{"valid":true,"claims":{"b":1,"a":"x","aud":"aud","iss":"me","sub":"s","jti":"j"}}"#,
                ),
                (r#"{"token":"a.b.c","key":"k"}"#, r#"{"valid":false,"claims":null}"#),
            ])
            .beyond_templates(),
        pure("jwt:decode", "Decode", decode)
            .takes("token*: text")
            .gives("header: object, claims: object")
            .note("Does not check the signature.")
            .examples(&[(r#"{"token":"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x"}"#, r#"{"header":{"alg":"HS256"},"claims":{"a":1}}"#)])
            .beyond_templates(),
    ]
}

fn algorithm(call: &Call<'_>) -> Result<Algorithm, FunctionError> {
    let name = call.grouped("options", "algorithm").as_text().unwrap_or("HS256");
    name.parse().map_err(|_| {
        FunctionError::invalid(format!("algorithm: {name} is not supported"))
            .hinted("one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384")
    })
}

fn bad_key(_: jsonwebtoken::errors::Error) -> FunctionError {
    FunctionError::invalid("key: it is not a key in PEM of the kind that the algorithm needs")
}

/// Exported keys often have `\n` in two characters where lines end.
fn pem(key: &str) -> String {
    key.replace("\\n", "\n")
}

fn signing_key(algorithm: Algorithm, key: &str) -> Result<EncodingKey, FunctionError> {
    if key.is_empty() {
        return Err(
            FunctionError::missing("key").hinted("everyone could forge a token that is signed with an empty secret")
        );
    }
    match algorithm.family() {
        AlgorithmFamily::Hmac => Ok(EncodingKey::from_secret(key.as_bytes())),
        AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(pem(key).as_bytes()).map_err(bad_key),
        AlgorithmFamily::Ec => EncodingKey::from_ec_pem(pem(key).as_bytes()).map_err(bad_key),
        AlgorithmFamily::Ed => EncodingKey::from_ed_pem(pem(key).as_bytes()).map_err(bad_key),
    }
}

fn sign(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let algorithm = algorithm(call)?;
    let key = signing_key(algorithm, call.text("key"))?;
    let mut header = Header::new(algorithm);
    for (name, value) in call.grouped("options", "header").as_object().iter().flat_map(|object| object.iter()) {
        match (&**name, value) {
            ("kid", Value::Text(kid)) => header.kid = Some(kid.to_string()),
            ("typ", Value::Text(kind)) => header.typ = Some(kind.to_string()),
            ("alg", _) => {}
            (name, value) => header.extras.insert(name, value),
        }
    }
    let refused = |_| FunctionError::invalid("key: the token cannot be signed with it");
    let token = jsonwebtoken::encode(&header, &claims(call)?, &key).map_err(refused)?;
    Ok([("token", token.into())].into())
}

/// The claims: those of the user, then those of the options.
fn claims(call: &Call<'_>) -> Result<Value, FunctionError> {
    let option = |name| Some(call.grouped("options", name)).filter(|value| !crate::is_empty(value)).cloned();
    let mut claims: indexmap::IndexMap<std::sync::Arc<str>, Value> =
        call.added(Some("payload")).map(|(name, value)| (name.into(), value.clone())).collect();
    let now = call.surroundings.clock.now().timestamp() as f64;
    let issued = claims.get("iat").and_then(Value::as_number).unwrap_or(now);
    if call.grouped("options", "noTimestamp").as_boolean() == Some(true) {
        claims.shift_remove("iat");
    } else {
        claims.insert("iat".into(), issued.into());
    }
    for (claim, name) in [("nbf", "notBefore"), ("exp", "expiresIn")] {
        if let Some(span) = option(name) {
            claims.insert(claim.into(), (issued + seconds(&span, name)?).into());
        }
    }
    for (claim, name) in [("aud", "audience"), ("iss", "issuer"), ("sub", "subject"), ("jti", "jwtid")] {
        if let Some(value) = option(name) {
            claims.insert(claim.into(), value);
        }
    }
    Ok(claims.into())
}

/// A span of time in seconds.
///
/// # Source
///
/// jsonwebtoken (JavaScript): numbers are seconds; texts are spans of its library ms, where a text
/// without unit counts milliseconds.
fn seconds(span: &Value, name: &str) -> Result<f64, FunctionError> {
    let unreadable = || {
        FunctionError::invalid(format!("{name}: it is neither a number of seconds nor a span"))
            .hinted("write it as 600, 10h, 7d or 10 minutes")
    };
    let text = match span {
        Value::Number(seconds) => return Ok(*seconds),
        Value::Text(text) => text.trim().to_ascii_lowercase(),
        _ => return Err(unreadable()),
    };
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    let number = to_number(&text[..text.len() - unit.len()]).ok_or_else(unreadable)?;
    let unit = match unit.trim() {
        "" | "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
        _ => return Err(unreadable()),
    };
    Ok((number * unit).floor())
}

fn verify(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let algorithm = algorithm(call)?;
    let key = call.text("key");
    let key = match algorithm.family() {
        AlgorithmFamily::Hmac => DecodingKey::from_secret(key.as_bytes()),
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem(key).as_bytes()).map_err(bad_key)?,
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem(key).as_bytes()).map_err(bad_key)?,
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem(key).as_bytes()).map_err(bad_key)?,
    };
    // Times are compared below, on the clock that is a parameter.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Value>(call.text("token"), &key, &validation).ok();
    let claims = decoded.map(|token| token.claims).filter(|claims| is_for_us(call, claims));
    Ok([("valid", claims.is_some().into()), ("claims", claims.into())].into())
}

fn is_for_us(call: &Call<'_>, claims: &Value) -> bool {
    let Some(claims) = claims.as_object() else { return false };
    let now = call.surroundings.clock.now().timestamp() as f64;
    let time = |name: &str| claims.get(name).and_then(Value::as_number);
    let wanted = |claim: &str, name| match (call.grouped("options", name), claims.get(claim)) {
        (Value::Null, _) => true,
        (wanted, Some(Value::List(several))) => several.contains(wanted),
        (wanted, given) => Some(wanted) == given,
    };
    time("exp").is_none_or(|expires| now < expires)
        && time("nbf").is_none_or(|begins| begins <= now)
        && wanted("aud", "audience")
        && wanted("iss", "issuer")
}

fn decode(call: &Call<'_>) -> Result<Fields, FunctionError> {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let no_token = || FunctionError::invalid("token: the text is no JSON Web Token");
    let part = |text: Option<&str>| {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text?).ok()?;
        Value::from_json(std::str::from_utf8(&json).ok()?).ok().filter(|value| value.as_object().is_some())
    };
    let mut parts = call.text("token").split('.');
    let header = part(parts.next()).ok_or_else(no_token)?;
    let claims = part(parts.next()).ok_or_else(no_token)?;
    Ok([("header", header), ("claims", claims)].into())
}
