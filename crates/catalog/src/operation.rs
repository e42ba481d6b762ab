//! Operations: one method on one path.

/// An HTTP method that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether sending the same request twice has the effect of sending it once (RFC 9110, 9.2.2);
    /// [`Operation::idempotent`] knows the exceptions.
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// A published API description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// The management API: 732 operations.
    Management,
    /// OAuth 2.0 and OpenID Connect: the endpoints of the authorization servers.
    OAuth,
}

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// Operation id of the description, such as `listUsers`.
    pub id: &'static str,
    /// Which description it stands in.
    pub api: Api,
    /// Its method.
    pub method: Method,
    /// Path template, such as `/api/v1/users/{userId}`.
    pub path: &'static str,
    /// Tag of the description, such as `User`.
    pub tag: &'static str,
    /// Tag group, such as `Users`: one of 18, or `OAuth`.
    pub group: &'static str,
    /// Path, query and header parameters, in the order of the description.
    pub parameters: &'static [Parameter],
    /// The request body, if the operation takes one.
    pub request: Option<RequestBody>,
    /// Documented answers, ascending by status.
    pub responses: &'static [Response],
    /// OAuth scopes that the operation needs, all of them.
    pub scopes: &'static [&'static str],
    /// Which credentials it accepts.
    pub security: Security,
    /// Release stage.
    pub lifecycle: Lifecycle,
    /// Whether the description calls it deprecated.
    pub deprecated: bool,
    /// Whether and how the answer is a list. Every list may page, declared or not.
    pub list: ListShape,
    /// The page size, where a `limit` parameter is declared.
    pub limit: Option<Limit>,
    /// Rate-limit bucket, such as `users-list`.
    pub bucket: &'static str,
    /// Whether sending it twice has the effect of sending it once. What the method promises, but
    /// for the operations that do not keep it.
    pub idempotent: bool,
}

/// One parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: &'static str,
    /// Where it goes.
    pub location: ParameterIn,
    /// Whether it must be given.
    pub required: bool,
    /// Its type.
    pub schema: TypeRef,
    /// Allowed values, where the description lists them; for an array, of its elements.
    pub values: &'static [&'static str],
    /// Whether an array is sent as one value with commas, rather than as a repeated parameter.
    pub comma_separated: bool,
}

impl Operation {
    /// The parameters that go to `location`, in the order of the description.
    pub fn parameters_in(&self, location: ParameterIn) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.location == location)
    }

    /// The documented answer of success, if one is documented.
    pub fn success(&self) -> Option<&'static Response> {
        self.responses.iter().find(|response| (200..300).contains(&response.status))
    }
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ParameterIn {
    Path,
    Query,
    Header,
}

/// The body an operation takes.
#[derive(Debug)]
pub struct RequestBody {
    /// Whether it must be sent.
    pub required: bool,
    /// Media types it may have, the preferred one first.
    pub media_types: &'static [&'static str],
    /// Its type.
    pub schema: TypeRef,
}

/// One documented answer.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Media types, empty where there is no body.
    pub media_types: &'static [&'static str],
    /// Type of the body, where it has one.
    pub schema: Option<TypeRef>,
}

/// Which credentials an operation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// An API token or an OAuth access token.
    TokenOrOAuth,
    /// An OAuth access token only.
    OAuthOnly,
    /// An API token only.
    TokenOnly,
    /// The OAuth client's own credentials, such as its secret or a signed assertion.
    Client,
    /// None.
    Open,
}

/// Release stage of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// Available to every org.
    Ga,
    /// Generally available to orgs with a feature or product.
    LimitedGa,
    /// Early access: to be switched on.
    EarlyAccess,
    /// Beta.
    Beta,
    /// The description does not say.
    Unmarked,
}

/// How an answer holds a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShape {
    /// It is not a list.
    None,
    /// The body is an array; the next page stands in the `Link` header.
    Array,
    /// The body is an object with the array in `items`.
    Wrapped {
        /// Name of the member that holds the array.
        items: &'static str,
        /// Whether the next page stands in the body at `_links.next.href`.
        next_in_body: bool,
    },
}

/// Page size of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Smallest value accepted.
    pub min: Option<u32>,
    /// Value in force when none is sent.
    pub default: Option<u32>,
    /// Largest value accepted.
    pub max: Option<u32>,
}

/// A type where it is used: inline scalars, or the name of a schema of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeRef {
    /// A schema by name.
    Named(&'static str),
    /// An array of something.
    Array(&'static TypeRef),
    /// A map from text to something.
    Map(&'static TypeRef),
    /// Text, with the description's `format` or an empty string.
    String(&'static str),
    /// A whole number of up to 64 bits.
    Integer,
    /// A floating-point number.
    Number,
    /// True or false.
    Boolean,
    /// Bytes.
    Binary,
    /// Any JSON.
    Any,
}
