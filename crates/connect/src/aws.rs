//! Requests to AWS, signed.
//!
//! # Source
//!
//! AWS general reference, Signature Version 4; the test takes the vector `get-vanilla` of its published suite.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sign_v4};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::Timestamp;

use crate::Error;
use crate::connection::{Connection, Live};
use crate::http::Request;

/// The headers that let a request in, for the service and region that its host names, or else the settings.
pub(crate) fn sign(live: &Live, request: &Request, now: Timestamp) -> Result<HeaderMap, Error> {
    let connection = &live.connection;
    let (service, region) = scope(connection, request.url.host_str().unwrap_or_default())?;
    let key_id = connection.required("access_key_id")?;
    let secret = live.secret("secret_access_key")?.expose().as_str();
    let token = live.secrets.get("session_token").map(|token| token.expose().clone());
    let identity = Credentials::new(key_id, secret, token, None, "oktant").into();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(now.timestamp().unsigned_abs());
    let wrong = |problem: String| {
        let problem = format!("a request of connection \"{}\" cannot be signed: {problem}", connection.name);
        Error::setting(problem, "check its access key, region and service")
    };
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(&service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| wrong(error.to_string()))?
        .into();
    let headers = request.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body.as_deref().unwrap_or_default());
    let signable = SignableRequest::new(request.method.as_str(), request.url.as_str(), headers, body);
    let signed = signable.and_then(|signable| sign_v4(signable, &params)).map_err(|error| wrong(error.to_string()))?;
    let (instructions, _) = signed.into_parts();
    let (added, _) = instructions.into_parts();
    let mut headers = HeaderMap::new();
    for header in added {
        let name: HeaderName = header.name().parse().map_err(|_| wrong(header.name().to_owned()))?;
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| wrong(header.name().to_owned()))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Service and region: those of a host such as `sso.eu-west-1.amazonaws.com`, where no setting says otherwise.
fn scope(connection: &Connection, host: &str) -> Result<(String, String), Error> {
    let labels: Vec<&str> = host.split('.').collect();
    let named = match labels.as_slice() {
        [service, region, "amazonaws", ..] => (Some(*service), Some(*region)),
        _ => (None, None),
    };
    let of = |setting: &str, named: Option<&str>| match (connection.setting(setting), named) {
        (Some(value), _) | (None, Some(value)) => Ok(value.to_owned()),
        (None, None) => connection.required(setting).map(ToOwned::to_owned),
    };
    Ok((of("service", named.0)?, of("region", named.1)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Method;
    use oktant_base::Secret;
    use url::Url;

    use super::*;
    use crate::connection::{Auth, Secrets};

    fn live(settings: &[(&str, &str)]) -> Live {
        let pairs = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let connection = Connection {
            id: "c".to_owned(),
            name: "aws".to_owned(),
            connector: "awssso".to_owned(),
            auth: Auth::AwsKeys,
            settings: pairs.collect::<BTreeMap<_, _>>(),
            account: None,
            broken: None,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        Live { connection, secrets: Secrets::of([("secret_access_key".to_owned(), secret)]) }
    }

    #[test]
    fn a_request_is_signed_as_in_the_published_suite() {
        let url = Url::parse("https://example.amazonaws.com/").unwrap();
        let request = Request::new(Method::GET, url, Duration::from_secs(1));
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let settings = [("access_key_id", "AKIDEXAMPLE"), ("service", "service"), ("region", "us-east-1")];
        let headers = sign(&live(&settings), &request, now).unwrap();
        assert_eq!(
            headers["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert!(headers["authorization"].is_sensitive());
    }

    #[test]
    fn a_host_names_service_and_region() {
        let named = |settings: &[(&str, &str)], host: &str| scope(&live(settings).connection, host);
        let text = |service: &str, region: &str| (service.to_owned(), region.to_owned());
        assert_eq!(named(&[], "sso.eu-west-1.amazonaws.com").unwrap(), text("sso", "eu-west-1"));
        let settings = [("service", "sso"), ("region", "r")];
        assert_eq!(named(&settings, "127.0.0.1").unwrap(), text("sso", "r"));
        assert!(named(&[], "127.0.0.1").unwrap_err().to_string().contains("no service"));
    }
}
