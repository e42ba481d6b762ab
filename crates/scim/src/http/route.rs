//! Paths to endpoints.

use http::Method;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::schema::Kind;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// All resources of a kind.
    Resources(Kind),
    /// One of them.
    Resource(Kind, String),
    /// The user who calls.
    Me,
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    Bulk,
    /// Of one kind or all.
    Search(Option<Kind>),
}

impl Endpoint {
    /// The methods it answers to.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Resources(_) => &[Method::GET, Method::HEAD, Method::POST],
            Self::Resource(..) => &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE],
            Self::Me => &[Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
            Self::ServiceProviderConfig | Self::ResourceTypes(_) | Self::Schemas(_) => &[Method::GET, Method::HEAD],
            Self::Bulk | Self::Search(_) => &[Method::POST],
        }
    }

    /// What it is about.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Resources(kind) | Self::Resource(kind, _) | Self::Search(Some(kind)) => Some(*kind),
            Self::Me => Some(Kind::User),
            _ => None,
        }
    }
}

/// A path, taken apart. Empty segments do not count, so that slashes may be doubled or stand at the end.
#[derive(Debug)]
pub(super) struct Route {
    /// The integration that the path names first.
    pub(super) endpoint_id: Option<Uuid>,
    /// None where nothing is.
    pub(super) endpoint: Option<Endpoint>,
}

impl Route {
    pub(super) fn parse(path: &str) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            [first, rest @ ..] if let Ok(id) = Uuid::try_parse(first) => {
                Self { endpoint_id: Some(id), endpoint: endpoint(rest) }
            }
            all => Self { endpoint_id: None, endpoint: endpoint(all) },
        }
    }
}

/// The endpoint of a path below the base URL.
pub(super) fn endpoint(segments: &[&str]) -> Option<Endpoint> {
    let kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.endpoint() == name);
    match *segments {
        [".search"] => Some(Endpoint::Search(None)),
        ["Me"] => Some(Endpoint::Me),
        ["ServiceProviderConfig"] => Some(Endpoint::ServiceProviderConfig),
        ["ResourceTypes"] => Some(Endpoint::ResourceTypes(None)),
        ["ResourceTypes", name] => Some(Endpoint::ResourceTypes(Some(name.to_owned()))),
        ["Schemas"] => Some(Endpoint::Schemas(None)),
        ["Schemas", urn] => Some(Endpoint::Schemas(Some(urn.to_owned()))),
        ["Bulk"] => Some(Endpoint::Bulk),
        [name] => kind(name).map(Endpoint::Resources),
        [name, ".search"] => kind(name).map(|kind| Endpoint::Search(Some(kind))),
        [name, id] => kind(name).map(|kind| Endpoint::Resource(kind, id.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints_however_they_are_slashed() {
        let id = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
        for (path, endpoint_id, expected) in [
            ("/Users", false, Some(Endpoint::Resources(Kind::User))),
            ("//Users/", false, Some(Endpoint::Resources(Kind::User))),
            ("/Groups/a%20b", false, Some(Endpoint::Resource(Kind::Group, "a b".to_owned()))),
            (&format!("/{id}/Users"), true, Some(Endpoint::Resources(Kind::User))),
            (&format!("/{id}"), true, None),
            ("/Users/.search", false, Some(Endpoint::Search(Some(Kind::User)))),
            ("/", false, None),
            ("/users", false, None),
            ("/Users/a/b", false, None),
        ] {
            let route = Route::parse(path);
            assert_eq!((route.endpoint_id.is_some(), route.endpoint), (endpoint_id, expected), "E1-E11: {path}");
        }
    }
}
