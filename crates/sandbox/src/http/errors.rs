//! Okta's error object and the situations that raise it.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An entry of Okta's error catalogue: its code, status and summary.
///
/// # Source
///
/// Okta's published error codes; where recordings differ, the recordings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    code: &'static str,
    status: u16,
    summary: &'static str,
}

macro_rules! entries {
    ($($name:ident $status:literal $summary:literal;)*) => {
        $(pub(crate) const $name: Entry = Entry { code: stringify!($name), status: $status, summary: $summary };)*

        /// The entry of a code.
        pub(super) fn entry(code: &str) -> Option<Entry> {
            match code {
                $(stringify!($name) => Some($name),)*
                _ => None,
            }
        }
    };
}

entries! {
    E0000003 400 "The request body was not well-formed.";
    E0000004 401 "Authentication failed";
    E0000005 403 "Invalid session";
    E0000006 403 "You do not have permission to perform the requested action";
    E0000008 404 "The requested path was not found";
    E0000009 500 "Internal Server Error";
    E0000010 503 "Service is in read only mode";
    E0000011 401 "Invalid token provided";
    E0000014 403 "Update of credentials failed";
    E0000015 401 "You do not have permission to access the feature you are requesting";
    E0000016 403 "Activation failed because the user is already active";
    E0000017 403 "Password reset failed";
    E0000019 400 "Bad request. Accept and/or Content-Type headers likely do not match supported values.";
    E0000022 405 "The endpoint does not support the provided HTTP method";
    E0000024 400 "Bad request.  This operation on app metadata is not yet supported.";
    E0000029 400 "Invalid paging request.";
    E0000031 400 "Invalid search criteria.";
    E0000032 403 "Unlock is not allowed for this user.";
    E0000033 400 "Bad request. Can't specify a search query and filter in the same request.";
    E0000034 403 "Forgot password not allowed on specified user.";
    E0000038 403 "This operation is not allowed in the user's current status.";
    E0000041 400 "Credentials should not be set on this resource based on the scheme.";
    E0000046 403 "Deactivate application for user forbidden.";
    E0000047 429 "API call exceeded rate limit due to too many requests.";
    E0000053 400 "Invalid SCIM filter.";
    E0000056 403 "Delete application forbidden.";
    E0000068 403 "Invalid Passcode/Answer";
    E0000082 403 "Each code can only be used once. Please wait for a new code and try again.";
    E0000083 403 "PassCode is valid but exceeded time window.";
    E0000087 403 "The recovery question answer did not match our records.";
    E0000090 409 "The role specified is already assigned to the user.";
    E0000091 400 "The provided role type was not the same as required role type.";
    E0000093 400 "Target count limit exceeded";
    E0000098 400 "This phone number is invalid.";
    E0000109 429 "An SMS message was recently sent. Please wait 30 seconds before trying again.";
    E0000117 403 "Cannot assign apps or update app profiles for an inactive user.";
    E0000118 429 "An email was recently sent. Please wait 5 seconds before trying again.";
    E0000123 400 "The enum and oneOf arrays must match.";
    E0000124 400 "Could not create user. To create a user and expire their password immediately, a password must be specified";
    E0000125 400 "Could not create user. To create a user and expire their password immediately, \"activate\" must be true";
    E0000127 409 "Invalid linked objection definition. Name is already in use.";
    E0000133 429 "A phone call was recently made. Please wait 30 seconds before trying again.";
    E0000142 403 "This User Type cannot be deleted.";
    E0000231 412 "The ETag value that you passed in the If-Match header does not match that of the target resource.";
    E0000242 400 "The ETag value that you passed in the If-Match header has an invalid syntax.";
}

/// An answer that is an error.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) summary: Cow<'static, str>,
    pub(crate) causes: Vec<Value>,
    /// Headers beyond the usual ones.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the body is left out, as OAuth refusals do.
    pub(crate) bodiless: bool,
}

impl From<Entry> for ApiError {
    fn from(entry: Entry) -> Self {
        Self::new(entry)
    }
}

impl ApiError {
    /// An entry of the catalogue without causes.
    pub(crate) fn new(entry: Entry) -> Self {
        Self {
            status: StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: entry.code,
            summary: Cow::Borrowed(entry.summary),
            causes: Vec::new(),
            headers: Vec::new(),
            bodiless: false,
        }
    }

    /// An error that is described elsewhere; a status that is none becomes 500.
    pub(crate) fn known(status: u16, code: &'static str, summary: &'static str) -> Self {
        Self::new(Entry { code, status, summary })
    }

    /// Another summary, where the service deviates from its catalogue.
    #[must_use]
    pub(crate) fn summary(mut self, summary: impl Into<Cow<'static, str>>) -> Self {
        self.summary = summary.into();
        self
    }

    /// A cause more.
    #[must_use]
    pub(crate) fn cause(mut self, summary: impl Into<String>) -> Self {
        self.causes.push(json!({ "errorSummary": summary.into() }));
        self
    }

    /// Leaves the body empty and says everything in one header.
    #[must_use]
    pub(crate) fn in_header(mut self, name: HeaderName, value: &str) -> Self {
        self.bodiless = true;
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// 404: no object of this kind has this id.
    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        const E0000007: Entry = Entry { code: "E0000007", status: 404, summary: "Not found: {0}" };
        Self::new(E0000007).summary(format!("Not found: Resource not found: {id} ({kind})"))
    }

    /// 400: validation of `what` failed; causes are added by the caller.
    pub(crate) fn validation(what: &str) -> Self {
        Self::invalid(format!("Api validation failed: {what}"))
    }

    /// 400: validation of `field` failed for one reason, printed as `field: reason`.
    pub(crate) fn invalid_field(field: &str, reason: &str) -> Self {
        Self::validation(field).cause(format!("{field}: {reason}"))
    }

    /// 400 with the code of failed validation and a summary of its own.
    pub(crate) fn invalid(summary: impl Into<Cow<'static, str>>) -> Self {
        const E0000001: Entry = Entry { code: "E0000001", status: 400, summary: "Api validation failed: {0}" };
        Self::new(E0000001).summary(summary)
    }

    /// 400: the cursor is not one of ours.
    pub(crate) fn bad_cursor() -> Self {
        Self::new(E0000031).cause("Invalid cursor.")
    }

    /// The body, with an `errorId` of its own.
    pub(crate) fn body(&self, error_id: &str) -> Option<Value> {
        let body = || {
            json!({
                "errorCode": self.code,
                "errorSummary": self.summary,
                "errorLink": self.code,
                "errorId": error_id,
                "errorCauses": self.causes,
            })
        };
        (!self.bodiless).then(body)
    }
}
